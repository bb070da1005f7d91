"""dave.testing's public names."""

import pytest

import dave.testing


def test_public_names_are_there():
    assert [getattr(dave.testing, name).__name__ for name in dave.testing.__all__] == [
        "Network", "Networks", "NothingComes", "VirtualLoop", "VirtualNode",
    ]  # fmt: skip


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = dave.testing.Nothing
