"""A simulated machine: what its process keeps, and who is told what an operation came to."""

import pytest

from dave.node.results import Found, GetResult
from dave.testing.world import World


def test_a_process_that_is_killed_keeps_what_its_disk_had_committed():
    world = World(1)
    host, client, owner = world.add_node(), world.add_client(), world.owner()
    world.run_until_resolved(client.put(owner.entry(b"k", b"v", world.time())))
    host.kill()
    assert not host.is_up
    with pytest.raises(AssertionError, match="is down"):
        _ = host.core
    host.start()
    assert (host.starts, len(host.node.store)) == (2, 1)


def test_a_listener_takes_results_instead_of_the_host():
    world = World(1)
    world.add_node()
    client, heard = world.add_client(), []
    client.listener = heard.append
    number = client.get(bytes(32)).number
    world.run(5)
    assert [effect.operation for effect in heard] == [number]
    assert isinstance(heard[0].result, GetResult)
    assert heard[0].result.found is Found.ABSENT
    assert client.ended == {}


def test_a_wall_clock_may_be_off():
    world = World(1)
    ahead = world.add_node(skew_ms=5_000)
    assert ahead.core.unix_ms(world.now) == world.clock.unix_ms + 5_000
