"""The bytes of a key file.

    magic 8 "davekey\\n" | version 1 | kind 1 | form 1 | body | checksum 16

    form 0, raw:      the secret
    form 1, wrapped:  salt 16 | Argon2id passes 4 | Argon2id bytes of memory 8 | nonce 24
                      | SecretBox of the secret (16 more bytes than it)

Integers are little-endian. The secret is an owner's seed (32), a node's seed and work nonce (32 +
8), or a network's secret (16 to 255). The checksum is a keyed BLAKE3 over all before it: no
protection from an attacker, who can compute it, but it tells a damaged file from a wrong
passphrase. Wrapping is Argon2id (RFC 9106), then XSalsa20-Poly1305 with magic to form checked
along: they are the beginning of what is sealed.
"""

from collections.abc import Callable
from struct import Struct
from unicodedata import normalize

from dave.crypto.hashes import record_checksum
from dave.edge.limits import (
    KEY_FILE_ARGON_BYTES,
    KEY_FILE_ARGON_BYTES_MAX,
    KEY_FILE_ARGON_PASSES,
    KEY_FILE_ARGON_PASSES_MAX,
    KEY_FILE_BYTES_MAX,
)
from dave.errors import KeyFileError, UsageError
from dave.limits import SECRET_BYTES_MIN

OWNER, NODE, NETWORK = 1, 2, 3
"""Kinds of key file."""

MAGIC = b"davekey\n"
VERSION = 1
RAW, WRAPPED = 0, 1

_KINDS = {OWNER: "an owner key", NODE: "a node key", NETWORK: "a network secret"}
_SIZES = {OWNER: (32, 32), NODE: (40, 40), NETWORK: (SECRET_BYTES_MIN, 255)}
_HEADER = Struct("<8sBBB")
_WRAPPING = Struct("<16sIQ24s")
_CHECKSUM_BYTES = 16
_CHECKSUM_KEY = b"dave key file checksum".ljust(32, b"\0")
_DAMAGED = "the file is damaged, or no key file; take it from a backup, or move it away"


def encode(
    kind: int, secret: bytes, passphrase: str | None, random_bytes: Callable[[int], bytes]
) -> bytes:
    """A key file's bytes; wrapped if there is a passphrase.

    Raises UsageError for an empty passphrase, and for a secret of the wrong size.
    """
    least, most = _SIZES[kind]
    if not least <= len(secret) <= most:
        raise UsageError(f"{_KINDS[kind]} has {least} to {most} bytes, not {len(secret)}")
    if passphrase is None:
        data = _HEADER.pack(MAGIC, VERSION, kind, RAW) + secret
        return data + _checksum(data)
    if not passphrase:
        raise UsageError("the passphrase is empty; give one, or none for a file without")
    from nacl.bindings import crypto_secretbox

    header = _HEADER.pack(MAGIC, VERSION, kind, WRAPPED)
    salt, nonce = random_bytes(16), random_bytes(24)
    key = _stretched(passphrase, salt, KEY_FILE_ARGON_PASSES, KEY_FILE_ARGON_BYTES)
    wrapping = _WRAPPING.pack(salt, KEY_FILE_ARGON_PASSES, KEY_FILE_ARGON_BYTES, nonce)
    data = header + wrapping + crypto_secretbox(header + secret, nonce, key)
    return data + _checksum(data)


def decode(kind: int, data: bytes, passphrase: str | Callable[[], str] | None) -> bytes:
    """The secret in a key file of that kind; a callable passphrase is asked only if it is wrapped.

    Raises KeyFileError, with a text of its own for a file that is empty, damaged, newer, of another
    kind, locked, or locked with another passphrase.
    """
    form, body = _opened(kind, data)
    if form == WRAPPED:
        body = _unwrapped(data[: _HEADER.size], body, passphrase)
    least, most = _SIZES[kind]
    if not least <= len(body) <= most:
        raise KeyFileError(_DAMAGED)
    return body


def _opened(kind: int, data: bytes) -> tuple[int, bytes]:
    """Form and body of a file that is whole and of that kind."""
    if not data:
        raise KeyFileError("the file is empty; take it from a backup, or move it away")
    if len(data) < _HEADER.size + _CHECKSUM_BYTES or len(data) > KEY_FILE_BYTES_MAX:
        raise KeyFileError(_DAMAGED)
    magic, version, found, form = _HEADER.unpack_from(data)
    # A newer version may place its checksum elsewhere, so it is named before the sum is checked.
    if magic == MAGIC and version > VERSION:
        raise KeyFileError(f"key file version {version} is newer than this Dave; upgrade it")
    content, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if magic != MAGIC or checksum != _checksum(content):
        raise KeyFileError(_DAMAGED)
    if version != VERSION or found not in _KINDS or form not in (RAW, WRAPPED):
        raise KeyFileError(_DAMAGED)
    if found != kind:
        raise KeyFileError(f"this file holds {_KINDS[found]}; what is needed is {_KINDS[kind]}")
    return form, content[_HEADER.size :]


def _unwrapped(header: bytes, body: bytes, passphrase: str | Callable[[], str] | None) -> bytes:
    if len(body) < _WRAPPING.size:
        raise KeyFileError(_DAMAGED)
    salt, passes, memory, nonce = _WRAPPING.unpack_from(body)
    if not 1 <= passes <= KEY_FILE_ARGON_PASSES_MAX or not (
        8192 <= memory <= KEY_FILE_ARGON_BYTES_MAX
    ):
        raise KeyFileError("the file asks for more passes or memory than a key file may")
    text = passphrase() if callable(passphrase) else passphrase
    if text is None:
        raise KeyFileError("the key is locked with a passphrase, and none was given")
    from nacl.bindings import crypto_secretbox_open
    from nacl.exceptions import CryptoError

    try:
        opened = crypto_secretbox_open(
            body[_WRAPPING.size :], nonce, _stretched(text, salt, passes, memory)
        )
    except CryptoError:
        raise KeyFileError("the passphrase is wrong; try again") from None
    if opened[: len(header)] != header:
        raise KeyFileError(_DAMAGED)
    return opened[len(header) :]


def _stretched(passphrase: str, salt: bytes, passes: int, memory: int) -> bytes:
    from nacl.pwhash.argon2id import kdf

    # The same letters arrive composed or not, depending on the keyboard: one form for all.
    encoded = normalize("NFC", passphrase).encode("utf-8", "surrogateescape")
    return kdf(32, encoded, salt, opslimit=passes, memlimit=memory)


def _checksum(content: bytes) -> bytes:
    return record_checksum(_CHECKSUM_KEY, content)[:_CHECKSUM_BYTES]
