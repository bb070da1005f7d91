"""The declared messages against messages.py: the same verdict and the same fields."""

from hypothesis import given

from dave.wire import layout_messages, messages, promises, watching
from dave.wire.entry import Entry
from tests.wire import made
from tests.wire.made import damaged, fixed, neighbours
from tests.wire.test_layout import ENTRY_SAMPLE, entry_fields, plain_address, verdict

CONTACTS = (
    messages.WireContact(bytes(32), bytes(8), ("10.0.0.1", 1424)),
    messages.WireContact(bytes(32), bytes(8), ("2001:db8::1", 1424)),
)
ENTRY = Entry(ENTRY_SAMPLE)
VERSIONS = (promises.Version(bytes(32), b"a" * 16), promises.Version(b"e" * 32, b"b" * 16))
SAMPLES = [
    messages.Ping(),
    messages.Pong(5),
    messages.Put(ENTRY),
    messages.Put(ENTRY, 9),
    messages.Put(ENTRY, None, is_direct=True),
    messages.Put(ENTRY, 9, is_direct=True),
    messages.PutAck(messages.PutStatus.BUSY),
    messages.PutAck(messages.PutStatus.STALE, 7, ENTRY, CONTACTS),
    messages.Get(bytes(32)),
    messages.GetAck(ENTRY),
    messages.GetAck(None, CONTACTS),
    messages.Find(1 << 63),
    messages.FindAck(CONTACTS),
    messages.GetMyAddrPort(),
    messages.GetMyAddrPort(dial=True),
    messages.GetMyAddrPortAck(("2001:db8::1", 1424)),
    promises.Announce(VERSIONS, 0b10),
    promises.Want(0b01, 0b10),
    promises.Challenge(bytes(32), (b"a" * 16, b"b" * 16)),
    promises.Proof((1, 3, 2) + (0,) * 61, bytes(32)),
    messages.Bye(),
    messages.Dial(CONTACTS[0]),
    messages.Dial(CONTACTS[1]),
    messages.DialAck(reached=True),
    watching.Watch(b"numb", bytes(32), 60, b"d" * 32),
    watching.WatchAck(60, 3, True, None),
    watching.WatchAck(0, 0, False, None),
    watching.WatchAck(60, 3, False, ENTRY),
    watching.Notify(b"numb", 3, ENTRY),
    watching.NotifyAck(watched=True),
]


def declared_of(data):
    declaration = layout_messages.MESSAGES.get(data[0]) if data else None
    return verdict(declaration.parse, data) if declaration else None


def plain_contact(declared):
    return declared.public_key, declared.nonce, plain_address(declared.address)


def same_value(name, ours, declared):
    match name:
        case "entry" | "held" if not isinstance(ours, int):  # in WANT it is a bitmap
            other = declared[name]
            return (ours is None) == (other is None) and (
                ours is None or entry_fields(ours) == entry_fields(other)
            )
        case "contacts":
            return ours == tuple(map(plain_contact, declared.contacts or ()))
        case "contact":
            return ours == plain_contact(declared.contact)
        case "address":
            return ours == plain_address(declared.address)
        case "expected":
            return ours == (declared.expected if declared.flags & 1 else None)
        case "is_direct" | "is_same":
            return ours == (declared.flags >= 2 if name == "is_direct" else declared.state == 1)
        case "versions":
            return ours == tuple((each.entry_id, each.short_digest) for each in declared.versions)
        case "digests":
            return ours == tuple(declared.digests)
        case "states":
            bits = "".join(f"{byte:08b}" for byte in reversed(declared.states))
            return ours == tuple(int(bits[i : i + 2], 2) for i in range(126, -1, -2))
    return ours == declared[name]


def agree(data):
    ours, declared = verdict(messages.decode, data), declared_of(data)
    assert (ours is None) == (declared is None)
    if ours is None:
        return False
    request_id, message = ours
    assert request_id == declared.request_id
    for name, value in message._asdict().items():
        assert same_value(name, value, declared), name
    assert layout_messages.MESSAGES[data[0]].build(declared) == data
    assert messages.encode(request_id, message) == data
    return True


encoded = made.messages.flatmap(
    lambda message: fixed(4).map(lambda request_id: messages.encode(request_id, message))
)


@given(encoded)
def test_valid_messages_are_accepted_by_both(data):
    assert agree(data)


@given(damaged(encoded))
def test_damaged_messages_agree(data):
    agree(data)


def test_neighbours_agree():
    for message in SAMPLES:
        data = messages.encode(b"abcd", message)
        assert agree(data)
        assert False in {agree(other) for other in neighbours(data)}


def test_more_contacts_than_allowed_are_refused_by_both():
    contact = messages.encode(b"abcd", messages.FindAck(CONTACTS[:1]))[6:]
    assert agree(b"\x08abcd\x14" + contact * 20)
    assert not agree(b"\x08abcd\x15" + contact * 21)


def test_every_known_type_is_declared():
    names = {number: declared.name for number, declared in layout_messages.MESSAGES.items()}
    assert names == messages.TYPE_NAMES
