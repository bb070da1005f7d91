"""The progress line looks on and changes nothing."""

from dave.testing.clock import START
from dave.testing.world import World
from sim.progress import Progress, line


def trace(seed=1):
    world = World(seed)
    world.add_nodes(3)
    world.run(20)
    return world.trace_hash()


def test_a_run_is_the_same_with_it(capsys):
    alone = trace()
    progress = Progress()
    progress.install()
    watched = trace()
    progress.remove()
    assert watched == alone
    shown = capsys.readouterr().err
    assert "virtual" in shown
    assert shown.endswith("\r\033[K")
    trace()
    assert capsys.readouterr().err == ""


def test_the_line():
    world = World(1)
    world.add_node()
    shown = line(world, START + 3_723 * 10**9, 100.0)
    assert shown == "1:02:03 virtual, 37x real time, 1 nodes, 0 datagrams"
