"""The readable specification, continued: the values of a directory's entries (see layout.py)."""

from itertools import pairwise
from typing import Any

from construct import Array, Byte, Bytes, Check, Const, Int16ul, Int32ul, Int64ul, this

from dave.limits import DEVICES_MAX, TTL_SECONDS_MAX
from dave.wire.directory import DEVICE_BYTES, DIRECTORY_VERSION, RESERVED
from dave.wire.layout import Field, Layout, nested


def _ascending(items: Any, name: str) -> bool:
    keys = [item[name] for item in items]
    return all(one < other for one, other in pairwise(keys))


_VERSION = Field("version", Const(DIRECTORY_VERSION, Byte), f"{DIRECTORY_VERSION}")

STATEMENT = Layout(
    "statement",
    "What a device says of a name.",
    Field("time", Int64ul, "of the version that was put, or of the tombstone"),
    Field("ttl", Int32ul, "seconds from time that the name lives; 0: it was removed"),
    Field("kept", Int32ul, f"seconds from time that this is kept: ttl to {TTL_SECONDS_MAX}, not 0"),
    Field("size", Bytes(6), "bytes of the value, inflated; 0 where it was removed"),
    Field("key_length", Byte, "bytes of key, 1 to 255"),
    Field("key", Bytes(this.key_length), "the name; its first byte is not 0", "key_length"),
    checks=(
        Check(lambda it: it.key_length >= 1 and it.key[0] != RESERVED),
        Check(lambda it: max(1, it.ttl) <= it.kept <= TTL_SECONDS_MAX),
        Check(lambda it: it.ttl > 0 or not any(it.size)),
    ),
)
PAGE = Layout(
    "directory page",
    "The names of one page.",
    _VERSION,
    Field("split", Byte, "1: the two pages of one more bit hold the statements; else 0"),
    Field("count", Byte, "of statements; 0 in a page that is split"),
    nested(
        "statements",
        STATEMENT,
        "count × (23 + key)",
        "in the order of their keys, each name once",
        lambda con: Array(this.count, con),
    ),
    checks=(
        Check((this.split == 0) | ((this.split == 1) & (this.count == 0))),
        Check(lambda it: _ascending(it.statements, "key")),
    ),
)
DEVICE = Layout(
    "device",
    "One of an owner's devices.",
    Field("id", Bytes(DEVICE_BYTES), "drawn at random, or derived"),
    Field("buckets", Int16ul, "bitmap of the buckets in which it has a page; not 0"),
    Field("until", Int32ul, "Unix seconds after which no page of it stands"),
    checks=(Check(this.buckets > 0),),
)
DEVICES = Layout(
    "directory devices",
    "An owner's devices.",
    _VERSION,
    Field("count", Byte, f"of devices, at most {DEVICES_MAX}"),
    nested(
        "devices", DEVICE, "count × 14", "in the order of their ids",
        lambda con: Array(this.count, con),
    ),
    checks=(
        Check(this.count <= DEVICES_MAX),
        Check(lambda it: _ascending(it.devices, "id")),
    ),
)  # fmt: skip
