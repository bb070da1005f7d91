"""How people write names: an owner as 52 letters and digits, an entry as dave://OWNER/KEY.

Owners are base32 (RFC 4648) in lower case without padding; keys are percent-encoded (RFC 3986),
"/" too, so that no tool along the way takes a key for a path and shortens it. A link to a private
value has the key that opens it after a "#", in base32 as owners are.
"""

from dave.errors import EntryError, UsageError
from dave.limits import KEY_BYTES_MAX, OWNER_BYTES
from dave.names import Owner

SCHEME = "dave://"
OWNER_CHARS = 52

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE32_SPARE_BITS = 4
"""52 characters of 5 bits are 260 bits; the last 4 are zero."""

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def owner_name(owner: Owner) -> str:
    """The 52 characters by which people know an owner (32 bytes)."""
    return _base32(owner)


def parse_owner(text: str, what: str = "an owner's name") -> Owner:
    """The owner, or node (32 bytes), of that name, in lower or upper case. what: for the error.

    Raises UsageError for anything but the one name of some 32 bytes.
    """
    return _unbase32(text, what)


def format_uri(owner: Owner, key: bytes) -> str:
    """dave://OWNER/KEY of `key` (1 to 255 bytes) as `owner` (32 bytes) keeps it."""
    encoded = "".join(chr(b) if b in _UNRESERVED else f"%{b:02X}" for b in key)
    return f"{SCHEME}{owner_name(owner)}/{encoded}"


def format_link(owner: Owner, key: bytes, link_key: bytes) -> str:
    """dave://OWNER/KEY#LINK, which opens that private value to whoever has it; `link_key` is the
    entry's private key (32 bytes)."""
    return f"{format_uri(owner, key)}#{_base32(link_key)}"


def parse_link_key(text: str) -> bytes:
    """The key (32 bytes) that stands after the "#" of a link, in lower or upper case. Raises
    UsageError for anything else."""
    return _unbase32(text, "the key of a link")


def parse_name(text: str) -> tuple[Owner | None, bytes]:
    """What NAME on a command line means: (owner, key) of a dave:// URI; (None, key) of a bare key,
    which is taken as it is, in UTF-8, without percent-decoding.

    Raises UsageError for a URI without an owner, with a "?" or "#" that is not percent-encoded
    (cut a link with `split_link` first) or with broken percent-encoding, and EntryError for a key
    that is not 1 to 255 bytes.
    """
    if text[: len(SCHEME)].lower() != SCHEME:
        # Arguments that are not UTF-8 reach Python with escapes; their bytes are the key.
        return None, _checked(text.encode("utf-8", "surrogateescape"))
    name, slash, encoded = text[len(SCHEME) :].partition("/")
    owner = parse_owner(name)
    if not slash:
        raise UsageError(f"{text!r} names no key: write {SCHEME}OWNER/KEY")
    if "#" in encoded or "?" in encoded:
        raise UsageError(f'{text!r}: write "#" as %23 and "?" as %3F in the key')
    return owner, _checked(_percent_decoded(encoded))


def split_link(text: str) -> tuple[str, str | None]:
    """A link as (URI, what stands after its "#"); (text, None) for whatever is not such a link."""
    if text[: len(SCHEME)].lower() == SCHEME and "#" in text:
        uri, _, secret = text.partition("#")
        return uri, secret
    return text, None


def _base32(data: bytes) -> str:
    assert len(data) == OWNER_BYTES
    number = int.from_bytes(data, "big") << _BASE32_SPARE_BITS
    return "".join(_BASE32[number >> shift & 31] for shift in range(255, -1, -5))


def _unbase32(text: str, what: str) -> bytes:
    if len(text) != OWNER_CHARS:
        raise UsageError(f"{what} has {OWNER_CHARS} characters, {text!r} has {len(text)}")
    number = 0
    for char in text:
        digit = _BASE32.find(char.lower()) if char.isascii() else -1
        if digit < 0:
            raise UsageError(f"{text!r} is not {what}: that has only a to z and 2 to 7")
        number = number << 5 | digit
    # Without this check 16 texts would mean the same bytes.
    if number & (1 << _BASE32_SPARE_BITS) - 1:
        raise UsageError(f"{text!r} is not {what}: its last character is wrong; copy it again")
    return (number >> _BASE32_SPARE_BITS).to_bytes(OWNER_BYTES, "big")


def _checked(key: bytes) -> bytes:
    if not 1 <= len(key) <= KEY_BYTES_MAX:
        raise EntryError(f"the key has {len(key)} bytes; a key has 1 to {KEY_BYTES_MAX}")
    return key


def _percent_decoded(text: str) -> bytes:
    first, *rest = text.encode("utf-8", "surrogateescape").split(b"%")
    parts = [first]
    for part in rest:
        digits = part[:2]
        # int(…, 16) alone would also take "+1" and " 1".
        if len(digits) != 2 or not digits.isalnum():
            raise UsageError(f"{text!r}: % stands for itself as %25")
        try:
            parts.append(bytes((int(digits, 16),)) + part[2:])
        except ValueError as error:
            raise UsageError(f"{text!r}: % stands for itself as %25") from error
    return b"".join(parts)
