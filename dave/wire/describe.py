"""Explains bytes: which packet, message or entry they are, and what each field says.

For `dave decode`, and for whoever stares at a capture. Slow on purpose: it reads through the
declarations of layout.py, so that what it tells is what PROTOCOL.md says. Import it lazily.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, NamedTuple

from dave.errors import UsageError, WireError
from dave.wire.layout import BEACON, ENTRY, INIT_PAYLOAD, PACKETS, Field, Layout
from dave.wire.layout_audit import AUDIT
from dave.wire.layout_bulk import BULK_ACCEPT, BULK_INIT, BULK_RECORD, FRAMES
from dave.wire.layout_directory import DEVICES, PAGE
from dave.wire.layout_files import FILE_ROOT, RELEASE, STRIPE_RECORD
from dave.wire.layout_journal import FLOOR, JOURNAL_HEADER, JOURNAL_RECORD
from dave.wire.layout_messages import MESSAGES
from dave.wire.layout_share_file import SHARE_END
from dave.wire.layout_shares import SHARES
from dave.wire.layout_sync import SYNC
from dave.wire.status import ProofState, PutStatus

KINDS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        ENTRY,
        *PACKETS.values(),
        INIT_PAYLOAD,
        BEACON,
        *MESSAGES.values(),
        BULK_INIT,
        BULK_ACCEPT,
        BULK_RECORD,
        *FRAMES.values(),
        JOURNAL_HEADER,
        JOURNAL_RECORD,
        FLOOR,
        PAGE,
        DEVICES,
        *SYNC.values(),
        STRIPE_RECORD,
        RELEASE,
        FILE_ROOT,
        SHARE_END,
        *SHARES.values(),
        *AUDIT.values(),
    )
}
"""What can be described, by name."""


class Described(NamedTuple):
    """One field of what was described."""

    offset: int
    """Bytes from the start."""
    size: int
    """Bytes."""
    name: str
    """Dotted where it is nested: contacts.0.nonce."""
    value: str
    """For humans: a number, a date, a text, or hexadecimal."""
    meaning: str


def describe(data: bytes, kind: str | None = None) -> list[Described]:
    """Every field of `data`, in order.

    `kind` is one of KINDS; without it the kind is guessed. Raises WireError for bytes that are not
    exactly one of that kind (or of any), UsageError for an unknown kind.
    """
    layout, parsed = _parsed(data, kind)
    return list(_walk(layout, parsed, ""))


def kind_of(data: bytes) -> str:
    """The name of what `data` is. Raises WireError where it is nothing known."""
    return _parsed(data, None)[0].name


def _parsed(data: bytes, kind: str | None) -> tuple[Layout, Any]:
    if kind is not None:
        layout = KINDS.get(kind)
        if layout is None:
            raise UsageError(f"unknown kind {kind!r}; choose one of {', '.join(KINDS)}")
        return layout, layout.parse(data, located=True)
    # The strictest first: an INIT or DATA is mostly opaque, and would pass for much.
    for layout in _candidates(data):
        try:
            return layout, layout.parse(data, located=True)
        except WireError:
            continue
    raise WireError(f"these {len(data)} bytes are no entry, message or packet of this version")


def _candidates(data: bytes) -> Iterator[Layout]:
    yield from (ENTRY, JOURNAL_HEADER, JOURNAL_RECORD, STRIPE_RECORD, FILE_ROOT)
    if data[:1] and data[0] in MESSAGES:
        yield MESSAGES[data[0]]
    if len(data) > 1 and data[1] in PACKETS:
        yield PACKETS[data[1]]
    yield BEACON


def _walk(layout: Layout, parsed: Any, prefix: str) -> Iterator[Described]:
    start = parsed["@start"]
    for field in layout.fields:
        end = parsed[f"@{field.name}"]
        value = parsed[field.name]
        name = prefix + field.name
        if field.nested is None:
            if value is not None:
                text = _text(layout, field, value)
                yield Described(start, end - start, name, text, field.meaning)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                yield from _walk(field.nested, item, f"{name}.{i}.")
        elif value is not None:
            yield from _walk(field.nested, value, f"{name}.")
        start = end


def _text(layout: Layout, field: Field, value: Any) -> str:
    if field.name in ("time", "expected") and value:
        return _time_text(value, is_hybrid=layout.name != "PONG")
    if field.name == "status":
        return f"{value} {PutStatus(value).name}"
    if field.name == "type" and layout is not JOURNAL_RECORD:
        return f"{value} {layout.name}"
    if field.name == "ip":
        return str(ip_address(value))
    if field.name in ("evicted", "wanted", "held"):
        return _bitmap_text(value)
    if field.name == "states":
        return _states_text(value)
    if isinstance(value, list):
        return ", ".join(item.hex() for item in value)
    if isinstance(value, bytes):
        return _bytes_text(value, is_text=field.name in ("key", "value"))
    return str(value)


def _bytes_text(value: bytes, *, is_text: bool) -> str:
    text = value.decode("utf-8", "replace")
    if is_text and text.isprintable() and "\ufffd" not in text:
        return repr(text)
    if len(value) > 8 and not any(value):
        return f"{len(value)} zeros"
    return value.hex() if len(value) <= 64 else f"{value[:32].hex()}… ({len(value)} bytes)"


def _bitmap_text(bitmap: int) -> str:
    numbers = [str(i) for i in range(bitmap.bit_length()) if bitmap >> i & 1]
    return ", ".join(numbers) or "none"


def _states_text(packed: bytes) -> str:
    states = [ProofState(byte >> shift & 3) for byte in packed for shift in (0, 2, 4, 6)]
    while states and states[-1] is ProofState.MISSING:
        states.pop()
    return ", ".join(state.name for state in states) or "all MISSING"


def _time_text(time: int, *, is_hybrid: bool) -> str:
    ms, count = (time >> 16, time & 0xFFFF) if is_hybrid else (time, 0)
    try:
        date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    except OverflowError:
        return f"{time} (no date)"
    text = date.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{time} ({text} + {count})" if is_hybrid else f"{time} ({text})"
