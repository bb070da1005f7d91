"""What answers of the network mean."""

import pytest

from dave.edge.doctor import network
from dave.edge.doctor.finding import Level
from dave.edge.doctor.probe import Edge, Voice
from dave.session.session import FailReason

A = ("198.51.100.1", 1424)
B = ("203.0.113.1", 1424)
HERE = ("192.168.1.5", 4000)
UP = Edge("a:1424", A, rtt_ms=20.0, asked=10, answered=10, packet_bytes=1424, has_tcp=True)
STATUS = {
    "address": "127.0.0.1:1424", "seen_at": "198.51.100.9:1424", "reached": True, "peers": 3,
    "clock_ahead_seconds": None, "clock_voices": 0, "requests_answered": 0, "requests_failed": 0,
}  # fmt: skip


def level_of(findings):
    (found,) = findings
    return found.level


@pytest.mark.parametrize(
    ("edge", "word", "mend"),
    [
        (Edge("a:1", A, failure=FailReason.NO_ANSWER), "does not answer", "UDP port 1424"),
        (Edge("l", ("127.0.0.1", 1), failure=FailReason.NO_ANSWER), "does not", "dave run"),
        (Edge("a:1", A, failure=FailReason.OTHER_NETWORK), "another network", "--secret-file"),
        (Edge("a:1", A, failure=FailReason.OTHER_KEY), "another key", "dave status"),
        (Edge("a:1", A, failure=FailReason.NODE_WORK), "work", "--edge"),
        (Edge("a:1", error="cannot find the host"), "cannot find", "getent hosts a"),
    ],
)
def test_an_edge_that_cannot_be_used_is_a_problem_unless_another_can(edge, word, mend):
    (found,) = network.edges([edge])
    assert found.level is Level.PROBLEM
    assert word in found.text
    assert mend in found.mend
    assert [f.level for f in network.edges([edge, UP])] == [Level.WARNING, Level.OK]


@pytest.mark.parametrize(
    ("ahead", "level", "word"),
    [
        ([10.0, 20.0, -900_000.0], Level.OK, "0.0 s behind that of 3 nodes"),
        ([60_000.0], Level.WARNING, "60.0 s behind that of 1 node"),
        ([-400_000.0] * 2, Level.PROBLEM, "400.0 s ahead of that of 2 nodes"),
    ],
)
def test_the_clock_is_compared_to_the_median(ahead, level, word):
    found = network.clock(ahead, None)
    assert found.level is level
    assert word in found.text


def test_where_nobody_answers_the_node_here_may_know():
    assert network.clock([], None) is None
    assert network.clock([], STATUS) is None
    found = network.clock([], STATUS | {"clock_ahead_seconds": 90.0, "clock_voices": 4})
    assert found.level is Level.WARNING
    assert "ahead of that of 4 nodes" in found.text


def test_packets_and_tcp():
    assert level_of(network.packets([UP])) is Level.OK
    (small,) = network.packets([UP._replace(packet_bytes=1232)])
    assert small.level is Level.WARNING
    assert "those of 1,232 do" in small.text
    assert "nor do smaller" in network.packets([UP._replace(packet_bytes=0)])[0].text
    _, tcp = network.packets([UP._replace(has_tcp=False)])
    assert (tcp.level, tcp.check) == (Level.WARNING, "tcp")
    assert network.packets([Edge("a", A, failure=FailReason.NO_ANSWER)]) == []


@pytest.mark.parametrize(
    ("answered", "level"), [(10, Level.OK), (8, Level.WARNING), (4, Level.PROBLEM)]
)
def test_how_many_are_answered(answered, level):
    assert level_of(network.answers([UP._replace(answered=answered)], None)) is level
    of_node = {"requests_answered": 10 * answered, "requests_failed": 100 - 10 * answered}
    of_nodes = level_of(network.answers([], STATUS | of_node))
    assert of_nodes is (Level.OK if level is Level.OK else Level.WARNING)
    assert network.answers([], STATUS) == []


def test_no_nat():
    (found,) = network.nat([Voice(A, ("198.51.100.9", 5), ("198.51.100.9", 5))])
    assert found.level is Level.OK
    assert found.text.startswith("IPv4: none: 1 node")


def test_one_address_for_all_is_a_cone():
    seen = ("198.51.100.9", 7)
    (found,) = network.nat([Voice(A, seen, HERE), Voice(B, seen, HERE)])
    assert found.level is Level.OK
    assert "cone" in found.text
    assert "198.51.100.9:7" in found.text


def test_another_port_for_each_is_symmetric():
    voices = [Voice(A, ("198.51.100.9", 7), HERE), Voice(B, ("198.51.100.9", 8), HERE)]
    (found,) = network.nat(voices)
    assert found.level is Level.WARNING
    assert "symmetric" in found.text


def test_one_voice_cannot_tell_the_kind():
    (found,) = network.nat([Voice(A, ("198.51.100.9", 7), HERE)])
    assert "one node cannot tell" in found.text


def test_who_is_on_our_side_says_nothing_of_what_is_beyond():
    near = Voice(("192.168.1.9", 1), HERE, HERE)
    far = [Voice(A, ("198.51.100.9", 7), HERE), Voice(B, ("198.51.100.9", 8), HERE)]
    assert "symmetric" in network.nat([near, *far])[0].text
    assert "none" in network.nat([near])[0].text
    assert network.nat([]) == []
    six = Voice(("2001:db8::1", 1), ("2001:db8::9", 1), ("2001:db8::9", 1))
    assert [f.text[:4] for f in network.nat([near, six])] == ["IPv4", "IPv6"]


def test_reach():
    assert network.reach(None).level is Level.OK
    assert network.reach(None, ":1424", True).level is Level.OK
    would = network.reach(None, ":1424", False)
    assert (would.level, would.mend[-4:]) == (Level.PROBLEM, "1424")
    assert network.reach(STATUS).level is Level.OK
    alone = network.reach(STATUS | {"peers": 0})
    assert alone.level is Level.WARNING
    closed = network.reach(STATUS | {"reached": False})
    assert (closed.level, closed.mend[-4:]) == (Level.PROBLEM, "1424")
