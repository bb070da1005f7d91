"""The declared journal against store/journal.py, in shape; checksums are the codec's alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import JournalError, WireError
from dave.limits import JOURNAL_BODY_BYTES_MAX
from dave.store import journal
from dave.store.floors import Floor
from dave.wire.layout_journal import FLOOR, JOURNAL_HEADER, JOURNAL_RECORD
from tests.wire.made import U32, U64, fixed

FILE_KEY = b"f" * 32
HEADER = journal.encode_header(journal.Header(b"j" * 16, FILE_KEY, 7))


@given(st.builds(journal.Header, fixed(16), fixed(32), U32))
def test_headers_agree(header):
    data = journal.encode_header(header)
    for copy in (data[:512], data[512:]):
        declared = JOURNAL_HEADER.parse(copy)
        assert (declared.journal_id, declared.file_key, declared.segment) == header
        assert JOURNAL_HEADER.build(declared) == copy
    assert journal.decode_header(data) == (header, 0)


@given(U32.map(lambda n: n << 32 | 1), st.binary(max_size=JOURNAL_BODY_BYTES_MAX))
def test_records_agree(sequence, body):
    data = journal.seal_record(FILE_KEY, journal.entry_record(sequence, body))
    declared = JOURNAL_RECORD.parse(data)
    [record], scanner = journal.scan(HEADER + data, FILE_KEY)
    assert (declared.sequence, declared.type, declared.body) == record
    assert JOURNAL_RECORD.build(declared) == data
    assert scanner.damage == []
    assert scanner.torn_at is None


@given(st.builds(Floor, fixed(32), U64, U64))
def test_floors_agree(floor):
    body = journal.floor_record(floor)[9:]
    declared = FLOOR.parse(body)
    assert (declared.entry_id, declared.time, declared.expires) == journal.read_floor(body)
    assert FLOOR.build(declared) == body


@pytest.mark.parametrize("change", [(0, 1), (8, 2), (100, 1)])
def test_a_header_of_another_shape_is_refused_by_both(change):
    at, value = change
    copy = HEADER[:at] + bytes((HEADER[at] ^ value,)) + HEADER[at + 1 : 512]
    with pytest.raises(WireError):
        JOURNAL_HEADER.parse(copy)
    with pytest.raises(JournalError):
        journal.decode_header(copy * 2)


def test_cut_and_trailing_bytes_are_refused():
    data = journal.seal_record(FILE_KEY, journal.entry_record(1, b"body"))
    for wrong in (*(data[:size] for size in range(len(data))), data + b"\0"):
        with pytest.raises(WireError):
            JOURNAL_RECORD.parse(wrong)
