"""Several watches in one client, and what is told of none of them."""

import pytest

from dave.drops import Drop
from dave.node.limits import WATCH_POLL_SECONDS, WATCH_REPLICAS
from dave.wire import messages
from dave.wire.watching import Notify
from tests.node.networks import network_of
from tests.node.watching import Play

PERIOD = 1.25 * WATCH_POLL_SECONDS + 10


@pytest.fixture
def play():
    return Play()


def test_a_watch_that_is_ended_gives_its_leases_back(play):
    play.watch()
    assert len(play.watched()) == WATCH_REPLICAS
    play.host.core.unwatch(play.watching, play.world.now)
    play.host.settle()
    play.world.run(1)
    assert play.watched() == []
    before = play.host.sent
    play.write()
    play.world.run(PERIOD)
    assert list(play.watching.events) == []
    assert play.host.sent - before < 5
    assert len(play.host.core.watchers) == 0


def test_two_watches_of_one_client_are_told_apart(play):
    play.watch()
    other = play.host.watch(play.id)
    play.world.run(3)
    play.host.core.unwatch(play.watching, play.world.now)
    play.write()
    play.world.run(1)
    assert [event.entry.value for event in other.events] == [b"1"]


def test_what_nobody_watches_is_answered_so_that_its_sender_stops(play):
    play.watch()
    node = play.watched()[0].node
    entry = play.owner.entry(b"key", b"x", play.world.time())
    session = node.sessions.find(play.host.address)
    for data in (messages.encode(b"abcd", Notify(b"none", 1, entry)), b"\x10abcd", b"\x10"):
        node.sessions.seal(session, data, play.world.now)
    assert play.values() == []
    assert play.host.dropped(Drop.WIRE) == 2
    assert node.drops.counts[Drop.NO_REQUEST] == 1


def test_a_client_that_never_watched_drops_what_it_is_told():
    world = network_of(3)
    client = world.add_client()
    entry = world.owner().entry(b"key", b"x", world.time())
    world.run_until_resolved(client.put(entry))
    host = next(h for h in world.nodes if h.node.sessions.find(client.address))
    notify = messages.encode(b"abcd", Notify(b"none", 1, entry))
    host.node.sessions.seal(host.node.sessions.find(client.address), notify, world.now)
    host.settle()
    world.run(1)
    assert client.dropped(Drop.NO_REQUEST) == 1
