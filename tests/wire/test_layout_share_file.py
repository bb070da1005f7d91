"""The declared end of a share's file against edge/shares/files.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.edge.shares.files import FOOTER_BYTES, footer
from dave.errors import WireError
from dave.share_limits import BLOCK_BYTES, STRIPE_RECORD_BYTES_MAX
from dave.wire.layout_share_file import SHARE_END

RECORDS = st.binary(max_size=STRIPE_RECORD_BYTES_MAX)


@given(st.integers(0, BLOCK_BYTES), RECORDS, st.integers(0, 2**24 - 1))
def test_both_agree(size, record, mask):
    data = footer(size, record, mask)
    assert data[: len(record)] == record
    declared = SHARE_END.parse(data[len(record) :])
    assert (declared.size, declared.mask, declared.length) == (size, mask, len(record))
    assert SHARE_END.build(declared) == data[len(record) :]


def test_cut_trailing_and_other_bytes_are_refused():
    data = footer(9, b"", 1)
    assert len(data) == FOOTER_BYTES
    for wrong in (*(data[:size] for size in range(len(data))), data + b"\0", data[:-1] + b"2"):
        with pytest.raises(WireError):
            SHARE_END.parse(wrong)
