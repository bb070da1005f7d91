"""A NAT lets in what was asked for, from the very address that was asked."""

from dave.names import SECOND
from dave.testing.nat import MAPPING_SECONDS, Nat
from dave.testing.world import World

A, B, C = ("20.0.0.1", 1), ("20.0.0.1", 2), ("20.0.0.2", 1)


def test_only_the_very_address_that_was_written_to_passes():
    nat = Nat()
    assert not nat.admits(A, 0)
    nat.sends(A, 0)
    assert [nat.admits(source, SECOND) for source in (A, B, C)] == [True, False, False]
    assert nat.refused == 3


def test_a_mapping_lapses_unless_the_host_writes_again():
    nat = Nat()
    nat.sends(A, 0)
    end = MAPPING_SECONDS * SECOND
    assert nat.admits(A, end)
    assert not nat.admits(A, end + 1), "what comes in does not keep it open"
    nat.sends(A, end + 2)
    assert nat.admits(A, 2 * end)


def test_many_addresses_are_forgotten_when_they_have_lapsed():
    nat = Nat()
    for second in range(2000):
        nat.sends(("20.0.0.1", second), second * SECOND)
    assert len(nat._sent) < 600
    assert nat.admits(("20.0.0.1", 1999), 2000 * SECOND)


def test_a_host_behind_one_can_ask_and_not_be_asked():
    world = World(1)
    node = world.add_node()
    natted = world.add_node([], is_natted=True)
    world.run(1)
    world.send(b"\1\1", node.address, natted.address)
    world.run(1)
    assert natted.nat.refused == 1
    client = world.add_client(is_natted=True)
    get = world.run_until_resolved(client.get(bytes(32)))[0]
    assert get.answered == 1
