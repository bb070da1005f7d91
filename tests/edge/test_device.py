"""The id of a device: drawn once, kept beside the key; without a place, derived from the key."""

import os

import dave
from dave.crypto import hashes
from dave.edge.device import device_id

SEED = bytes(range(32))


def test_it_is_drawn_once_and_kept_beside_the_key(tmp_path):
    path = tmp_path / "owner.key"
    key = dave.Key.generate()
    assert key.device() == hashes.device_id(key.seed), "no file yet, so no place for an id"
    key.save(path)
    drawn = key.device()
    assert len(drawn) == 8
    assert drawn != hashes.device_id(key.seed)
    assert dave.Key.load(path).device() == drawn == key.device()
    assert sorted(os.listdir(tmp_path)) == ["owner.key", "owner.key.device"]
    assert (tmp_path / "owner.key.device").stat().st_mode & 0o777 == 0o600


def test_another_device_has_another_id(tmp_path):
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    assert device_id(one, SEED) != device_id(other, SEED)


def test_without_a_place_it_follows_from_the_key(tmp_path):
    derived = hashes.device_id(SEED)
    assert device_id(None, SEED) == derived
    assert device_id(str(tmp_path / "no such folder" / "owner.key"), SEED) == derived
    for damage in (b"", b"short", b"much too long"):
        (tmp_path / "k.device").write_bytes(damage)
        assert device_id(str(tmp_path / "k"), SEED) == derived
        assert (tmp_path / "k.device").read_bytes() == damage


def test_a_process_that_comes_second_takes_the_first_ones(tmp_path, monkeypatch):
    path = str(tmp_path / "k")
    draw = os.urandom

    def draw_late(size):
        monkeypatch.setattr(os, "urandom", draw)
        assert device_id(path, SEED) == (tmp_path / "k.device").read_bytes()
        return draw(size)

    # The other process, here with another id, has its turn in the middle of ours.
    monkeypatch.setattr(os, "urandom", draw_late)
    pids = iter((1, 2))
    monkeypatch.setattr(os, "getpid", lambda: next(pids))
    assert device_id(path, SEED) == (tmp_path / "k.device").read_bytes()
    assert os.listdir(tmp_path) == ["k.device"]
