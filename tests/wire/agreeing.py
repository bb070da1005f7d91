"""What is declared against what is coded, on any bytes."""

import pytest

from dave.errors import WireError


def agree(layout, read, encode, data, is_fitting=lambda declared: True):
    """Both read it and write the same again (True), or both refuse it (False). is_fitting: what the
    reader knows besides."""
    try:
        declared = layout.parse(data)
        if not is_fitting(declared):
            raise WireError("another count")
    except WireError:
        with pytest.raises(WireError):
            read(data)
        return False
    assert encode(read(data)) == data == layout.build(declared)
    return True
