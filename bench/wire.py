"""The entry codec against protobuf (upb, C) and compiled construct, on the same work.

What a node does with a PUT's entry, and a putter before it: fields to bytes, bytes to a checked
value, and from that the fields which a PUT needs: time, TTL, owner, key, signature. Every
contestant checks the same ranges and gives the same results, which is asserted before measuring.
The rounds are interleaved; the medians are compared.
"""

import random
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter_ns
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import api_implementation

from dave.limits import (
    ENTRY_BYTES_MAX,
    ENTRY_HEADER_BYTES,
    KEY_AND_VALUE_BYTES_MAX,
    TOMBSTONE_TTL_SECONDS,
    TTL_SECONDS_MAX,
)
from dave.wire.entry import Entry, encode
from dave.wire.layout import ENTRY

ROUNDS = 31
CALLS = 2_000

Row = dict[str, Any]
Needed = tuple[int, int, bytes, bytes, bytes]
"""time, TTL, owner, key, signature."""


class Fields(NamedTuple):
    """The fields of an entry."""

    nonce: bytes
    signature: bytes
    flags: int
    time: int
    ttl: int
    owner: bytes
    key: bytes
    value: bytes


def run() -> list[Row]:
    """Rows for a large and a small value: µs each for Dave's codec, and the ratio to the others.

    The second pair of rows starts from received bytes and ends with handing them on: there Dave
    returns the bytes that came, and protobuf serializes anew. It has no goal of its own.
    """
    rows: list[Row] = []
    for value_bytes in (1_000, 100):
        fields = _sample(value_bytes)
        rows += _rows(
            f"made and read, {value_bytes} byte value",
            {
                "dave": partial(through_dave, fields),
                "protobuf upb": partial(through_protobuf, fields),
                "construct": partial(through_construct, fields),
            },
            {"protobuf upb": 4.0, "construct": 8.0},
        )
        ours, theirs = dave_bytes(fields), protobuf_bytes(fields)
        assert relay_dave(ours) == (needed_of(Entry(ours)), ours)
        assert relay_protobuf(theirs) == (needed_of(Entry(ours)), theirs)
        rows += _rows(
            f"received and handed on, {value_bytes} byte value",
            {
                "dave": partial(relay_dave, ours),
                "protobuf upb": partial(relay_protobuf, theirs),
            },
            {"protobuf upb": None},
        )
    return rows


def _rows(
    case: str, contestants: dict[str, Callable[[], object]], goals: dict[str, float | None]
) -> list[Row]:
    assert api_implementation.Type() == "upb", "protobuf runs without its C library"
    if None not in goals.values():
        assert len({contestant() for contestant in contestants.values()}) == 1
    micros = interleaved(contestants)
    ratios = {name: micros[name] / micros["dave"] for name in goals}
    return [
        {
            "bench": "wire",
            "case": f"{case}, against {name}",
            "value": round(micros["dave"], 3),
            "unit": "µs",
            "reference": round(micros[name], 3),
            "ratio": round(ratios[name], 2),
            "goal": goal,
            "ok": None if goal is None else ratios[name] >= goal,
        }
        for name, goal in goals.items()
    ]


def dave_bytes(f: Fields) -> bytes:
    """Encoded by dave.wire.entry."""
    return encode(f.owner, f.key, f.value, f.time, f.ttl, f.flags, f.signature, f.nonce)


def needed_of(entry: Entry) -> Needed:
    """What a PUT needs of an entry."""
    return entry.time, entry.ttl, entry.owner, entry.key, entry.signature


def through_dave(f: Fields) -> Needed:
    """The work, by dave.wire.entry."""
    entry = Entry(encode(f.owner, f.key, f.value, f.time, f.ttl, f.flags, f.signature, f.nonce))
    return entry.time, entry.ttl, entry.owner, entry.key, entry.signature


def relay_dave(data: bytes) -> tuple[Needed, bytes]:
    """A received entry, checked, read and handed on."""
    entry = Entry(data)
    return needed_of(entry), entry.data


def protobuf_bytes(f: Fields) -> bytes:
    """Encoded by protobuf."""
    data: bytes = _message_class(
        nonce=f.nonce,
        signature=f.signature,
        flags=f.flags,
        time=f.time,
        ttl=f.ttl,
        owner=f.owner,
        key=f.key,
        value=f.value,
    ).SerializeToString()
    return data


def protobuf_needed(got: Any) -> Needed:
    """What a PUT needs of a parsed message: its ranges are checked here."""
    return _checked(
        got.flags, got.time, got.ttl, got.nonce, got.owner, got.signature, got.key, got.value
    )


def through_protobuf(f: Fields) -> Needed:
    """The work, by protobuf: no lengths on the wire to check, but the same ranges."""
    return protobuf_needed(_message_class.FromString(protobuf_bytes(f)))


def relay_protobuf(data: bytes) -> tuple[Needed, bytes]:
    """A received message, checked, read and serialized again."""
    got = _message_class.FromString(data)
    return protobuf_needed(got), got.SerializeToString()


def through_construct(f: Fields) -> Needed:
    """The work, by the compiled declaration, which checks the ranges itself."""
    data = _compiled.build(
        {
            "nonce": f.nonce,
            "signature": f.signature,
            "flags": f.flags,
            "time": f.time,
            "ttl": f.ttl,
            "value_length": len(f.value),
            "owner": f.owner,
            "key_length": len(f.key),
            "key": f.key,
            "value": f.value,
        }
    )
    if not ENTRY_HEADER_BYTES < len(data) <= ENTRY_BYTES_MAX:
        raise ValueError
    it = _compiled.parse(data)
    return it.time, it.ttl, it.owner, it.key, it.signature


def interleaved(
    contestants: dict[str, Callable[[], object]], rounds: int = ROUNDS, calls: int = CALLS
) -> dict[str, float]:
    """Median µs a call, each contestant having its turn in every round."""
    samples: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            started = perf_counter_ns()
            for _ in range(calls):
                contestant()
            samples[name].append((perf_counter_ns() - started) / calls / 1_000)
    return {name: median(taken) for name, taken in samples.items()}


def _checked(
    flags: int,
    time: int,
    ttl: int,
    nonce: bytes,
    owner: bytes,
    signature: bytes,
    key: bytes,
    value: bytes,
) -> Needed:
    key_length = len(key)
    value_length = len(value)
    if (
        len(nonce) != 8
        or len(owner) != 32
        or len(signature) != 64
        or not 0 < key_length < 256
        or key_length + value_length > KEY_AND_VALUE_BYTES_MAX
        or not 0 < ttl <= TTL_SECONDS_MAX
        or (flags and (flags != 1 or value_length or ttl != TOMBSTONE_TTL_SECONDS))
    ):
        raise ValueError
    return time, ttl, owner, key, signature


def _sample(value_bytes: int) -> Fields:
    rng = random.Random(1)
    return Fields(
        nonce=rng.randbytes(8),
        signature=rng.randbytes(64),
        flags=0,
        time=rng.getrandbits(40) << 16,
        ttl=30 * 86_400,
        owner=rng.randbytes(32),
        key=b"greeting-12",
        value=rng.randbytes(value_bytes),
    )


def _make_message_class() -> Any:
    kinds = descriptor_pb2.FieldDescriptorProto
    declared = (
        ("nonce", kinds.TYPE_BYTES),
        ("signature", kinds.TYPE_BYTES),
        ("flags", kinds.TYPE_UINT32),
        ("time", kinds.TYPE_FIXED64),
        ("ttl", kinds.TYPE_UINT32),
        ("owner", kinds.TYPE_BYTES),
        ("key", kinds.TYPE_BYTES),
        ("value", kinds.TYPE_BYTES),
    )
    file = descriptor_pb2.FileDescriptorProto(name="entry.proto", package="d", syntax="proto3")
    message = file.message_type.add(name="Entry")
    for number, (name, kind) in enumerate(declared, 1):
        message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("d.Entry"))


_message_class = _make_message_class()
_compiled = ENTRY.con.compile()
