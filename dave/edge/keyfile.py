"""Keys on disk: an owner's, a node's and a network's secret, each in a file of its own.

A node's key and an owner's are two files so that they are not linked (DESIGN section 3). A file is
never overwritten, and never read while others can read it too. Layout: see keyformat.py.
"""

import os
from collections.abc import Callable
from stat import S_ISREG
from typing import TYPE_CHECKING

from dave.crypto import hashes, sign
from dave.edge import keyformat
from dave.edge.disk import sync_folder
from dave.edge.limits import KEY_FILE_BYTES_MAX
from dave.errors import KeyFileError, UsageError
from dave.limits import WORK_NONCE_BYTES
from dave.names import Owner
from dave.uri import format_link, owner_name

if TYPE_CHECKING:
    from dave.crypto.identity import Identity
    from dave.edge.search import Cancelled, Progress

Path = str | os.PathLike[str]

Passphrase = str | Callable[[], str] | None
"""A callable is asked only when the file is wrapped."""

NETWORK_SECRET_BYTES = 32

_MAKE = {
    keyformat.OWNER: "make a key with `dave keygen --out {}`",
    keyformat.NODE: "`dave run` makes a node's key when it first starts",
    keyformat.NETWORK: "make a secret with `dave keygen --network --out {}`, or copy the network's",
}


class Key:
    """An owner's key: signs entries. Its printed form never shows the secret."""

    __slots__ = ("_path", "_seed", "owner")

    owner: Owner
    """The Ed25519 public key, 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        """The key of that seed (32 secret bytes)."""
        if len(seed) != sign.SEED_BYTES:
            raise UsageError(f"a key's seed has {sign.SEED_BYTES} bytes, not {len(seed)}")
        self._seed = seed
        self._path: str | None = None
        self.owner = sign.public_key(seed)

    @classmethod
    def generate(cls) -> "Key":
        """A new key, from the system's random source."""
        return cls(os.urandom(sign.SEED_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> "Key":
        """The key of that seed (32 secret bytes). Raises UsageError for another length."""
        return cls(seed)

    @classmethod
    def load(cls, path: Path, passphrase: Passphrase = None) -> "Key":
        """The owner's key in the file. Raises KeyFileError, naming the cause and what to do."""
        key = cls(_load(path, keyformat.OWNER, passphrase))
        key._path = os.fspath(path)
        return key

    @classmethod
    def load_or_make(cls, path: Path) -> "Key":
        """The owner's key in the file; a new one, saved there, if there is no file. Raises as
        `load`."""
        if not os.path.lexists(path):
            cls.generate().save(path)
        return cls.load(path)

    def save(self, path: Path, passphrase: str | None = None) -> None:
        """Write the key to a new file of mode 0600, wrapped if there is a passphrase.

        Raises KeyFileError if the file exists: keys are never overwritten.
        """
        _save(path, keyformat.OWNER, self._seed, passphrase)
        self._path = os.fspath(path)

    @property
    def seed(self) -> bytes:
        """The secret, 32 bytes: whoever has it is the owner."""
        return self._seed

    @property
    def name(self) -> str:
        """The owner as people write it: 52 characters."""
        return owner_name(self.owner)

    def device(self) -> bytes:
        """The id of this device, 8 bytes, from a file beside the key's (edge/device.py)."""
        from dave.edge.device import device_id

        return device_id(self._path, self._seed)

    def private_key(self, name: bytes) -> bytes:
        """What opens a private value of this owner's under the key `name`: 32 bytes, which a link
        carries."""
        return hashes.private_key(self._seed, hashes.entry_id_of(self.owner, name))

    def link(self, name: str | bytes) -> str:
        """dave://OWNER/KEY#LINK: who has it can get the private value of this owner's under that
        key. It cannot be taken back."""
        key = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
        return format_link(self.owner, key, self.private_key(key))

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of `message`, 64 bytes."""
        return sign.sign(self._seed, message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.owner == other.owner

    def __hash__(self) -> int:
        return hash(self.owner)

    def __repr__(self) -> str:
        return f"Key({self.name})"


class NodeKey:
    """A node's key: an X25519 seed and the nonce of the stamp behind its id."""

    __slots__ = ("_seed", "nonce")

    def __init__(self, seed: bytes, nonce: bytes) -> None:
        assert (len(seed), len(nonce)) == (32, WORK_NONCE_BYTES)
        self._seed = seed
        self.nonce = nonce

    @classmethod
    def load(cls, path: Path) -> "NodeKey":
        """The node's key in the file. Raises KeyFileError, naming the cause and what to do."""
        secret = _load(path, keyformat.NODE, None)
        return cls(secret[:32], secret[32:])

    def save(self, path: Path) -> None:
        """Write the key to a new file of mode 0600. Raises KeyFileError if the file exists."""
        _save(path, keyformat.NODE, self._seed + self.nonce, None)

    def identity(self) -> "Identity":
        """What the node talks with (crypto/identity.py)."""
        from dave.crypto.identity import node_identity

        return node_identity(self._seed, self.nonce)

    def __repr__(self) -> str:
        return f"NodeKey({self.identity().public_key.hex()[:8]}…)"


def make_node_key(
    work_bits: int,
    *,
    progress: "Progress | None" = None,
    cancelled: "Cancelled | None" = None,
) -> NodeKey:
    """A new node key with the stamp that `work_bits` ask. Raises WorkCancelled."""
    from dave.crypto.hashes import NODE_STAMP_TAG
    from dave.crypto.identity import client_identity
    from dave.crypto.work import node_work
    from dave.edge.search import find_stamp

    seed = os.urandom(32)
    prefix56 = NODE_STAMP_TAG + client_identity(seed).public_key
    work = node_work(work_bits)
    nonce, _ = find_stamp(prefix56, work, progress=progress, cancelled=cancelled)
    return NodeKey(seed, nonce)


def load_or_make_node_key(
    path: Path,
    work_bits: int,
    *,
    progress: "Progress | None" = None,
    cancelled: "Cancelled | None" = None,
) -> NodeKey:
    """The node key in the file; where there is no file, a new one with `work_bits` of work, saved.

    Raises KeyFileError for a file that holds no node key, or one with less work than the network
    asks, and WorkCancelled.
    """
    from dave.crypto.identity import checked_node_id

    if not os.path.lexists(path):
        made = make_node_key(work_bits, progress=progress, cancelled=cancelled)
        made.save(path)
        return made
    key = NodeKey.load(path)
    if checked_node_id(key.identity().public_key, key.nonce, work_bits) is None:
        raise KeyFileError(
            f"{path}: this node key has less work than the network asks ({work_bits} bits); it "
            "was made for another network: give another --data folder, or move the file away"
        )
    return key


def make_network_secret() -> bytes:
    """A new network secret, 32 bytes from the system's random source."""
    return os.urandom(NETWORK_SECRET_BYTES)


def save_network_secret(path: Path, secret: bytes, passphrase: str | None = None) -> None:
    """Write a network secret (16 to 255 bytes) to a new file of mode 0600. Raises KeyFileError."""
    _save(path, keyformat.NETWORK, secret, passphrase)


def load_network_secret(path: Path, passphrase: Passphrase = None) -> bytes:
    """The network secret in the file. Raises KeyFileError, naming the cause and what to do."""
    return _load(path, keyformat.NETWORK, passphrase)


def _save(path: Path, kind: int, secret: bytes, passphrase: str | None) -> None:
    data = keyformat.encode(kind, secret, passphrase, os.urandom)
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise KeyFileError(
            f"{path} exists, and a key file is never overwritten: give another path, or move it "
            "away first"
        ) from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be made: {error.strerror}") from error
    try:
        with open(fd, "wb") as file:
            os.fchmod(fd, 0o600)
            file.write(data)
            file.flush()
            os.fsync(fd)
        sync_folder(folder)
    except BaseException as error:
        os.unlink(path)  # ours: O_EXCL made it a moment ago
        if isinstance(error, OSError):
            raise KeyFileError(f"{path} cannot be written: {error.strerror}") from error
        raise


def _load(path: Path, kind: int, passphrase: Passphrase) -> bytes:
    data = _read(path, kind)
    try:
        return keyformat.decode(kind, data, passphrase)
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error}") from None


def _read(path: Path, kind: int) -> bytes:
    try:
        # Without O_NONBLOCK a named pipe would wait here for ever.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: there is no such file; {_MAKE[kind].format(path)}") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        status = os.fstat(fd)
        if not S_ISREG(status.st_mode):
            raise KeyFileError(f"{path} is not a file; give the path of a key file")
        if status.st_mode & 0o077:
            raise KeyFileError(
                f"{path}: others can read this key or change it; run `chmod 600 {path}` first"
            )
        return os.read(fd, KEY_FILE_BYTES_MAX + 1)
    finally:
        os.close(fd)
