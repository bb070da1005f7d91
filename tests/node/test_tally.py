"""What a core counts of its own operations and handshakes, in virtual time."""

from dave.names import SECOND
from dave.node.results import Found
from dave.session.session import FailReason
from tests.node.networks import get, network_of, put


def test_gets_and_puts_are_counted_by_how_they_ended_with_what_they_took():
    world = network_of(2)
    client = world.add_client()
    tally = client.core.tally
    entry, other = (world.owner().entry(key, b"", world.time()) for key in (b"a", b"b"))
    _, put_took = put(world, client, entry)
    get_took = get(world, client, entry.id)[1] + get(world, client, other.id)[1]
    for host in world.nodes:
        world.kill(host)
    get_took += get(world, client, other.id, 3.0)[1]
    put(world, client, other, 3.0)
    assert tally.puts == [1, 1]
    assert tally.gets[Found.FOUND] == tally.gets[Found.ABSENT] == 1
    assert tally.gets[Found.UNREACHABLE] == 1
    assert tally.put_time.total == round((put_took + 3) * SECOND)
    assert tally.get_time.total == round(get_took * SECOND)
    assert (len(tally.put_time), len(tally.get_time)) == (2, 3)


def test_handshakes_are_counted_on_both_sides():
    world = network_of(1)
    client = world.add_client()
    put(world, client, world.owner().entry(b"a", b"", world.time()))
    node = world.nodes[0].node
    assert (client.core.tally.connected, node.tally.accepted) == (1, 1)
    world.kill(world.nodes[0])
    nobody = world.add_client([world.nodes[0]])
    get(world, nobody, bytes(32), 20.0)
    assert nobody.core.tally.connected == 0
    assert nobody.core.tally.failed[FailReason.NO_ANSWER] == 1
