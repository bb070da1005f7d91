"""Strategies for whatever travels: valid entries, messages and packets, and damage to them."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from dave.limits import (
    ANNOUNCED_MAX,
    CHALLENGE_ENTRIES_MAX,
    KEY_AND_VALUE_BYTES_MAX,
    TOMBSTONE_TTL_SECONDS,
    TTL_SECONDS_MAX,
)
from dave.wire import entry as entries_module
from dave.wire import messages as m
from dave.wire import packet as p
from dave.wire import promises
from dave.wire import watching as w
from dave.wire.entry import PRIVATE, TOMBSTONE, VALUE_FLAGS, Entry
from dave.wire.status import ProofState, PutStatus

U64 = st.integers(0, 2**64 - 1)
U32 = st.integers(0, 2**32 - 1)


def fixed(size):
    return st.binary(min_size=size, max_size=size)


@st.composite
def entries(draw):
    key = draw(st.binary(min_size=1, max_size=255))
    is_tombstone = draw(st.booleans())
    room = KEY_AND_VALUE_BYTES_MAX - len(key)
    value = b"" if is_tombstone else draw(st.binary(max_size=draw(st.sampled_from((0, 40, room)))))
    ttl = TOMBSTONE_TTL_SECONDS if is_tombstone else draw(st.integers(1, TTL_SECONDS_MAX))
    fitting = [0, *(f for f in sorted(VALUE_FLAGS) if len(value) >= (40 if f & PRIVATE else 1))]
    flags = TOMBSTONE if is_tombstone else draw(st.sampled_from(fitting))
    data = entries_module.encode(
        draw(fixed(32)), key, value, draw(U64), ttl, flags, draw(fixed(64)), draw(fixed(8))
    )
    return Entry(data)


@st.composite
def addresses(draw):
    port = draw(st.integers(0, 65_535))
    if draw(st.booleans()):
        return str(IPv4Address(draw(U32))), port
    ip = IPv6Address(draw(st.integers(0, 2**128 - 1).filter(lambda n: n >> 32 != 0xFFFF)))
    return str(ip), port


@st.composite
def announces(draw):
    count = draw(st.sampled_from((1, 2, 5, ANNOUNCED_MAX)))
    version = st.builds(promises.Version, fixed(32), fixed(16))
    versions = tuple(draw(version) for _ in range(count))
    since, upto = sorted(draw(st.tuples(U64, U64)))
    return promises.Announce(versions, draw(st.integers(0, 2**count - 1)), since, upto)


@st.composite
def wants(draw):
    wanted = draw(st.integers(0, 2**ANNOUNCED_MAX - 1))
    return promises.Want(wanted, draw(st.integers(0, 2**ANNOUNCED_MAX - 1)) & ~wanted)


@st.composite
def challenges(draw):
    count = draw(st.sampled_from((1, 2, 5, CHALLENGE_ENTRIES_MAX)))
    return promises.Challenge(draw(fixed(32)), tuple(draw(fixed(16)) for _ in range(count)))


@st.composite
def proofs(draw):
    asked = draw(st.lists(st.sampled_from(ProofState), max_size=CHALLENGE_ENTRIES_MAX))
    states = tuple(asked) + (ProofState.MISSING,) * (CHALLENGE_ENTRIES_MAX - len(asked))
    return promises.Proof(states, draw(fixed(32)))


contact = st.builds(m.WireContact, fixed(32), fixed(8), addresses())
contacts = st.lists(contact, max_size=20).map(tuple)

watching = st.one_of(
    st.builds(w.Watch, fixed(4), fixed(32), st.integers(0, 2**16 - 1), fixed(32)),
    st.builds(w.WatchAck, st.integers(0, 2**16 - 1), U32, st.just(False), st.none() | entries()),
    st.builds(w.WatchAck, st.integers(0, 2**16 - 1), U32, st.just(True), st.none()),
    st.builds(w.Notify, fixed(4), U32, entries()),
    st.builds(w.NotifyAck, st.booleans()),
)

messages = st.one_of(
    st.just(m.Ping()),
    st.builds(m.Pong, U64, fixed(16), U64, U64),
    st.builds(m.Put, entries(), st.one_of(st.none(), U64), st.booleans()),
    st.builds(m.PutAck, st.sampled_from(PutStatus), U64, st.none() | entries(), contacts),
    st.builds(m.Get, fixed(32)),
    st.builds(m.GetAck, entries()),
    st.builds(m.GetAck, st.none(), contacts),
    st.builds(m.Find, U64),
    st.builds(m.FindAck, contacts),
    st.builds(m.GetMyAddrPort, st.booleans()),
    st.builds(m.GetMyAddrPortAck, addresses()),
    announces(),
    wants(),
    challenges(),
    proofs(),
    st.just(m.Bye()),
    st.builds(m.Dial, contact),
    st.builds(m.DialAck, st.booleans()),
    watching,
)

packets = st.one_of(
    st.builds(p.Hello, fixed(16)),
    st.builds(p.Cookie, fixed(16), fixed(32), fixed(8), fixed(8), fixed(16), addresses()),
    st.builds(p.Init, U32, fixed(16), st.binary(min_size=107, max_size=200)),
    st.builds(p.Accept, U32, U32, st.binary(min_size=48, max_size=150)),
    st.builds(p.Data, U32, U64, st.binary(min_size=16, max_size=100)),
)

init_payloads = st.builds(
    lambda message, padding, nonce: p.InitPayload(
        nonce is not None, nonce or bytes(8), message
    ).encode(padding),
    st.binary(max_size=60),
    st.integers(0, 120),
    st.none() | fixed(8),
)


@st.composite
def damaged(draw, encoded):
    """Encoded bytes, often with bytes changed, cut off, inserted or appended."""
    data = bytearray(draw(encoded))
    for _ in range(draw(st.integers(0, 3))):
        # The first bytes hold the lengths and flags: damage there tells codecs apart.
        near = draw(st.sampled_from((8, 24, 130, len(data))))
        at = draw(st.integers(0, max(0, min(near, len(data)) - 1)))
        match draw(st.sampled_from(("set", "cut", "insert", "append", "near"))):
            case "set" if data:
                data[at] = draw(st.integers(0, 255))
            case "near" if data:
                data[at] = (data[at] + draw(st.sampled_from((1, -1)))) % 256
            case "cut":
                del data[len(data) - draw(st.integers(0, min(len(data), 4))) :]
            case "insert":
                data.insert(at, draw(st.sampled_from((0, 1, 255))))
            case "append":
                data += draw(st.binary(min_size=1, max_size=3))
    return bytes(data)


def neighbours(data):
    """All prefixes, every byte changed in three ways, and one byte more."""
    for size in range(len(data)):
        yield data[:size]
    for i, byte in enumerate(data):
        for other in (byte ^ 0x01, byte ^ 0x80, byte ^ 0xFF):
            yield data[:i] + bytes((other,)) + data[i + 1 :]
    yield data + b"\0"
