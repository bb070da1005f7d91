"""Kept keys: private, whole or absent, and gone when they are destroyed."""

import os
import stat

import pytest

from dave.edge.kept import KeptKeys
from dave.edge.keyfile import Key
from dave.errors import KeyFileError
from dave.uri import owner_name


def test_a_key_is_kept_and_destroyed(tmp_path):
    keys, key = KeptKeys(tmp_path / "kept"), Key.generate()
    assert keys.owners() == []
    keys.save(key)
    keys.save(key)
    assert keys.owners() == [key.owner]
    assert keys.load(key.owner).seed == key.seed
    (path,) = (tmp_path / "kept").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    keys.destroy(key.owner)
    keys.destroy(key.owner)
    assert keys.owners() == []
    assert list((tmp_path / "kept").iterdir()) == []


def test_what_is_destroyed_was_overwritten(tmp_path):
    keys, key = KeptKeys(tmp_path), Key.generate()
    keys.save(key)
    (path,) = tmp_path.iterdir()
    other_name = tmp_path / "other"
    os.link(path, other_name)
    keys.destroy(key.owner)
    assert other_name.read_bytes() == bytes(other_name.stat().st_size)


def test_a_crash_while_saving_leaves_nothing_in_the_way(tmp_path):
    keys, key = KeptKeys(tmp_path), Key.generate()
    (tmp_path / f"{key.name}.new").write_bytes(b"dave")
    assert keys.owners() == []
    keys.save(key)
    assert keys.load(key.owner) == key
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_file_is_replaced_by_the_next_copy(tmp_path):
    keys, key = KeptKeys(tmp_path), Key.generate()
    keys.save(key)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"")
    with pytest.raises(KeyFileError):
        keys.load(key.owner)
    keys.save(key)
    assert keys.load(key.owner) == key


def test_another_owners_key_under_this_name(tmp_path):
    keys, key, other = KeptKeys(tmp_path), Key.generate(), Key.generate()
    keys.save(key)
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / f"{owner_name(other.owner)}.key")
    with pytest.raises(KeyFileError, match="another owner"):
        keys.load(other.owner)


def test_other_files_are_not_keys(tmp_path):
    (tmp_path / "note.key").touch()
    (tmp_path / "readme").touch()
    assert KeptKeys(tmp_path).owners() == []
