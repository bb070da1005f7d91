"""What a put or fetch remembers of nodes."""

import pytest

from dave.edge.files.share_nodes import BAD, DEAD, GOOD, LATE, ShareNodes
from dave.names import MS, SECOND
from dave.node.requests import Peer
from dave.share_limits import (
    FETCH_PATIENCE_FIRST_MS,
    FETCH_PATIENCE_MS_MAX,
    FETCH_PATIENCE_MS_MIN,
    SILENT_SECONDS,
    SILENT_SECONDS_MAX,
)

PEERS = [Peer(("127.0.0.1", port), bytes([port]) * 32) for port in (1, 2, 3)]


def test_a_node_is_the_same_under_its_key():
    nodes = ShareNodes()
    assert nodes.of(PEERS[0]) is nodes.of(PEERS[0]._replace(address=("::1", 9)))
    assert nodes.of(PEERS[0]) is not nodes.of(PEERS[1])
    assert nodes.of(Peer(("127.0.0.1", 1))) is not nodes.of(Peer(("127.0.0.1", 2)))


def test_standings_from_good_to_bad():
    nodes = ShareNodes()
    node = nodes.of(PEERS[0])
    assert node.standing(0) == GOOD
    node.late += 1
    assert node.standing(0) == LATE
    nodes.silent(node, 100)
    assert node.standing(100) == DEAD
    assert node.standing(100 + SILENT_SECONDS * SECOND) == LATE
    nodes.answered(node, 5)
    assert node.standing(100) == GOOD
    nodes.corrupt(node)
    nodes.corrupt(node)
    assert node.standing(0) == BAD
    assert nodes.bad == [PEERS[0]]
    nodes.of(PEERS[1])
    assert (nodes.count(BAD, 0), nodes.count(GOOD, 0)) == (1, 1)


def test_who_is_silent_again_and_again_is_left_out_for_longer():
    nodes = ShareNodes()
    node, now, waits = nodes.of(PEERS[0]), 0, []
    for _ in range(8):
        nodes.silent(node, now)
        nodes.silent(node, now)  # asked at the same time
        waits.append((node.dead_until - now) // SECOND)
        now = node.dead_until
    assert waits[:3] == [SILENT_SECONDS, 2 * SILENT_SECONDS, 4 * SILENT_SECONDS]
    assert set(waits[4:]) == {SILENT_SECONDS_MAX}
    nodes.heard(node)
    nodes.silent(node, now)
    assert node.dead_until - now == SILENT_SECONDS * SECOND


@pytest.mark.parametrize(
    ("took_ms", "patience_ms"),
    [(0.01, FETCH_PATIENCE_MS_MIN), (100, 300), (60_000, FETCH_PATIENCE_MS_MAX)],
)
def test_patience_follows_what_shares_take(took_ms, patience_ms):
    nodes = ShareNodes()
    assert nodes.patience == FETCH_PATIENCE_FIRST_MS * MS
    for _ in range(50):
        nodes.answered(nodes.of(PEERS[0]), int(took_ms * MS))
    assert nodes.patience == patience_ms * MS
