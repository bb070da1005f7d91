"""Key files: what is saved loads, what is wrong says so in words of its own."""

import os
import stat
from pathlib import Path

import pytest

from dave.crypto import hashes, sign
from dave.crypto.identity import checked_node_id
from dave.edge import keyfile
from dave.edge.keyfile import Key, NodeKey
from dave.errors import KeyFileError, UsageError, WorkCancelled
from dave.uri import parse_link_key

SEED = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "owner.key"


@pytest.fixture
def saved(path: Path) -> Path:
    Key.from_seed(SEED).save(path)
    return path


def test_a_key_signs_for_its_owner() -> None:
    key = Key.generate()
    assert sign.verify(key.owner, key.sign(b"message") + b"message")
    assert len(key.name) == 52
    assert key != Key.generate()
    assert Key.from_seed(SEED) == Key.from_seed(SEED)
    assert len({Key.from_seed(SEED), Key.from_seed(SEED)}) == 1


def test_each_name_has_a_private_key_of_its_own() -> None:
    key, other = Key(bytes(32)), Key(bytes(31) + b"1")
    entry_id = hashes.entry_id_of(key.owner, b"a")
    assert key.private_key(b"a") == hashes.private_key(bytes(32), entry_id)
    made = [key.private_key(b"a"), key.private_key(b"b"), other.private_key(b"a")]
    assert len(set(made)) == 3


def test_what_is_printed_shows_no_secret() -> None:
    key = Key.from_seed(SEED)
    for text in (repr(key), str(key), f"{key}", repr(NodeKey(SEED, bytes(8)))):
        assert SEED.hex() not in text
        assert repr(SEED) not in text
    assert key.name in repr(key)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="32 bytes, not 31"):
        Key.from_seed(bytes(31))


def test_saved_and_loaded_with_its_folder_for_the_owner_only(path: Path) -> None:
    old = os.umask(0)
    try:
        Key.from_seed(SEED).save(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Key.load(path).seed == SEED
    assert Key.load(str(path), lambda: pytest.fail("asked for a passphrase")).seed == SEED


def test_a_file_is_never_overwritten(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        Key.generate().save(saved)
    assert saved.read_bytes() == before
    link = saved.with_name("link")
    link.symlink_to(saved.with_name("nowhere"))
    with pytest.raises(KeyFileError, match="never overwritten"):
        Key.generate().save(link)


def test_a_failed_write_leaves_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        Key.generate().save(path)
    assert not path.exists()


def test_file_and_folder_are_synced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    fsync = os.fsync

    def watch(fd: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(fd).st_mode))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", watch)
    Key.generate().save(path)
    assert synced == [False, True]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o677])
def test_a_file_open_to_others_names_the_remedy(saved: Path, mode: int) -> None:
    saved.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {saved}"):
        Key.load(saved)


def test_a_missing_file_names_the_command(path: Path) -> None:
    with pytest.raises(KeyFileError, match=f"dave keygen --out {path}"):
        Key.load(path)
    with pytest.raises(KeyFileError, match="dave keygen --network --out"):
        keyfile.load_network_secret(path)
    with pytest.raises(KeyFileError, match="dave run"):
        NodeKey.load(path)


def test_an_unwritable_place_is_an_error_of_ours(saved: Path) -> None:
    with pytest.raises(KeyFileError, match="Not a directory"):
        Key.generate().save(saved / "below" / "key")


def test_folders_and_pipes_are_no_key_files(saved: Path) -> None:
    with pytest.raises(KeyFileError, match="not a file"):
        Key.load(saved.parent)
    pipe = saved.with_name("pipe")
    os.mkfifo(pipe, 0o600)
    with pytest.raises(KeyFileError, match="not a file"):
        Key.load(pipe)


def test_a_passphrase_locks_and_opens(path: Path) -> None:
    key = Key.from_seed(SEED)
    # The same letters, composed here and decomposed there: a keyboard's choice, not the user's.
    key.save(path, "caf\u00e9 passphrase")
    assert SEED not in path.read_bytes()
    assert Key.load(path, "cafe\u0301 passphrase") == key
    assert Key.load(path, lambda: "caf\u00e9 passphrase") == key
    with pytest.raises(KeyFileError, match=f"{path}: the passphrase is wrong"):
        Key.load(path, "coffee passphrase")
    with pytest.raises(KeyFileError, match="locked with a passphrase"):
        Key.load(path)


def test_an_empty_passphrase_is_refused_and_leaves_no_file(path: Path) -> None:
    with pytest.raises(UsageError, match="empty"):
        Key.generate().save(path, "")
    assert not path.exists()


def test_kinds_are_told_apart(saved: Path, tmp_path: Path) -> None:
    node, secret = tmp_path / "node", tmp_path / "secret"
    NodeKey(SEED, bytes(8)).save(node)
    keyfile.save_network_secret(secret, bytes(32))
    with pytest.raises(KeyFileError, match="holds a node key; what is needed is an owner key"):
        Key.load(node)
    with pytest.raises(KeyFileError, match="holds an owner key; what is needed is a node key"):
        NodeKey.load(saved)
    with pytest.raises(KeyFileError, match="holds a network secret"):
        Key.load(secret)
    with pytest.raises(KeyFileError, match="what is needed is a network secret"):
        keyfile.load_network_secret(saved)


def test_network_secrets_come_back(tmp_path: Path) -> None:
    secret = keyfile.make_network_secret()
    assert len(secret) == 32
    assert secret != keyfile.make_network_secret()
    keyfile.save_network_secret(tmp_path / "secret", secret)
    assert keyfile.load_network_secret(tmp_path / "secret") == secret
    with pytest.raises(UsageError, match="16 to 255 bytes"):
        keyfile.save_network_secret(tmp_path / "short", bytes(15))


def test_a_node_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "data" / "node.key"
    reports: list[int] = []
    made = keyfile.load_or_make_node_key(
        path, 10, progress=lambda done, rate, left: reports.append(done)
    )
    assert reports
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = keyfile.load_or_make_node_key(path, 10, cancelled=lambda: True)
    assert again.identity().public_key == made.identity().public_key
    assert again.nonce == made.nonce
    node = made.identity()
    assert checked_node_id(node.public_key, node.nonce, 10) == node.id


def test_a_node_key_with_too_little_work_is_named(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    keyfile.load_or_make_node_key(path, 0)
    with pytest.raises(KeyFileError, match="less work than the network asks"):
        keyfile.load_or_make_node_key(path, 64)


def test_a_cancelled_node_key_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(WorkCancelled):
        keyfile.load_or_make_node_key(tmp_path / "node.key", 64, cancelled=lambda: True)
    assert not (tmp_path / "node.key").exists()


def test_a_key_is_made_once(tmp_path: Path) -> None:
    made = Key.load_or_make(tmp_path / "mine.key")
    assert Key.load_or_make(tmp_path / "mine.key") == made
    (tmp_path / "other").write_text("no key")
    (tmp_path / "other").chmod(0o600)
    with pytest.raises(KeyFileError):
        Key.load_or_make(tmp_path / "other")


def test_a_link_names_owner_key_and_what_opens_it() -> None:
    key = Key.from_seed(bytes(32))
    assert key.link("a b") == key.link(b"a b")
    assert key.link("a b").startswith(f"dave://{key.name}/a%20b#")
    assert parse_link_key(key.link("a b").partition("#")[2]) == key.private_key(b"a b")
