"""What the verbs give back, filled by hand."""

from types import SimpleNamespace

from dave.crypto.network import network
from dave.edge.receipt import Receipt, Refusal, value_of
from dave.node.results import HERE, Outcome, PutResult
from dave.session.session import FailReason
from dave.wire.entry import BLOB, PRIVATE, Entry, encode
from dave.wire.messages import PutAck
from dave.wire.status import PutStatus

ENTRY = Entry(encode(bytes(32), b"a b", b"v", 1_700_000_000_000 << 16, 60))
NET = network()


def receipt_of(*outcomes):
    result = PutResult()
    result.outcomes += outcomes
    driver = SimpleNamespace(core=SimpleNamespace(network=NET))
    return Receipt(ENTRY, result, driver, 1)


def test_what_it_says():
    receipt = receipt_of(
        Outcome(("127.0.0.1", 1), 1, PutAck(PutStatus.STORED), None, 5),
        Outcome(("127.0.0.1", 2), 2, PutAck(PutStatus.SAME), None, 5),
        Outcome(("::1", 3), 3, PutAck(PutStatus.LOW_WORK, 4096), None, 5),
        Outcome(("127.0.0.1", 4), None, None, FailReason.NO_ANSWER, 0),
    )
    assert (receipt.stored, receipt.asked) == (2, 4)
    assert receipt.replicas == ["127.0.0.1:1", "127.0.0.1:2"]
    assert receipt.refused == [
        Refusal("[::1]:3", "low_work", 4096),
        Refusal("127.0.0.1:4", "no_answer", 0),
    ]
    assert receipt.uri == f"dave://{'a' * 52}/a%20b"
    assert (receipt.key, receipt.owner) == (b"a b", bytes(32))
    assert receipt.expires == 1_700_000_060
    assert receipt.time == ENTRY.time
    assert receipt.written == value_of(ENTRY, NET, 1, 0.0).written == 1_700_000_000
    assert receipt.digest == ENTRY.digest(NET)
    assert repr(receipt) == f"<Receipt {receipt.uri}: stored 2 of 4>"


def test_the_node_itself_is_here():
    receipt = receipt_of(
        Outcome(HERE, 1, PutAck(PutStatus.STORED), None, 0),
        Outcome(HERE, 1, PutAck(PutStatus.READ_ONLY), None, 0),
    )
    assert receipt.replicas == ["here"]
    assert receipt.refused == [Refusal("here", "read_only", 0)]


def test_what_only_a_get_opens_is_said_to_be_closed():
    for flags in (BLOB, PRIVATE, PRIVATE | BLOB):
        entry = Entry(encode(bytes(32), b"k", bytes(60), 1 << 16, 60, flags))
        value = value_of(entry, NET, 1, 0.0)
        assert (value.value, value.is_closed) == (b"", True)
    entry = Entry(encode(bytes(32), b"k", b"v", 1 << 16, 60))
    value = value_of(entry, NET, 1, 0.0)
    assert (value.value, value.is_closed) == (b"v", False)
