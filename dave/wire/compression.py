"""Values that are compressed inside their entry, with zlib (RFC 1950).

The owner compresses and signs the result, with a flag that says so; whoever reads inflates. Nodes
in between carry bytes and never inflate, so that nobody can have them swell.
"""

from dave.errors import WireError
from dave.limits import INFLATED_BYTES_MAX, KEY_AND_VALUE_BYTES_MAX
from dave.share_limits import SEAL_BYTES
from dave.wire.entry import BLOB, COMPRESSED, PRIVATE, Entry

_WORTH_TRYING_BYTES = 48
"""Below this zlib's own header and checksum leave little to win."""


def compressed(value: bytes) -> bytes | None:
    """`value` (at most 65,536 bytes) compressed, or None where that saves nothing."""
    if not _WORTH_TRYING_BYTES <= len(value) <= INFLATED_BYTES_MAX:
        return None
    from zlib import compress

    packed = compress(value, 9)
    return packed if len(packed) < len(value) else None


def in_entry(key: bytes, value: bytes, private: bool = False) -> tuple[bytes, int] | None:
    """What an entry under `key` would hold for a value, before that is sealed, and its flags; None
    if it does not fit one."""
    packed = compressed(value)
    stored, flags = (value, 0) if packed is None else (packed, COMPRESSED)
    room = KEY_AND_VALUE_BYTES_MAX - len(key) - (SEAL_BYTES if private else 0)
    return (stored, flags | (PRIVATE if private else 0)) if len(stored) <= room else None


def plain_value(entry: Entry) -> bytes:
    """The value of an entry as its owner meant it, at most 65,536 bytes where it was compressed.

    Raises WireError for what is no zlib stream, or one that inflates to more than that, and for an
    entry whose value is sealed or only leads to the content: files/private.py and manifest.py.
    """
    if entry.flags & (BLOB | PRIVATE):
        raise WireError("the value of this entry is sealed, or the root of a file")
    return inflated(entry.value) if entry.is_compressed else entry.value


def inflated(packed: bytes) -> bytes:
    """What `compressed` made `packed` of. Raises WireError as `plain_value` does."""
    import zlib

    inflater = zlib.decompressobj()
    try:
        value = inflater.decompress(packed, INFLATED_BYTES_MAX + 1)
    except zlib.error as error:
        raise WireError(f"the owner compressed this value wrongly: {error}") from None
    if len(value) > INFLATED_BYTES_MAX:
        raise WireError(
            f"the value inflates to more than {INFLATED_BYTES_MAX} bytes, which no value may"
        )
    if not inflater.eof or inflater.unused_data:
        raise WireError("the owner compressed this value wrongly: it is cut off, or has a tail")
    return value
