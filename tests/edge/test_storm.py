"""Eight nodes, each a process, killed with `kill -9` at random and started again while a client
puts without pause: what was acknowledged can be read in the end.

An acknowledged put is on five of the eight at least. Fewer than that are down at once, so that some
node always holds it; those that come back have their own disk and are handed what they missed.
"""

from random import Random

import pytest

from tests.edge.test_many import Putting, start
from tests.places import Place
from tests.processes import until

NODES = 8
DOWN_MAX = 3
PUTS_BETWEEN = 10
"""That must end between two kills."""
KILLS = 5
PARTS, KILLS_SOAK = 10, 20
"""200 kills in all."""


def storm(home, kills, seed):
    """So many kills; the puts by number (why each was not acknowledged), and what was read."""
    rng = Random(seed)
    nodes = start(home, NODES, [Place("127.0.0.1")])
    for node in nodes:
        until(lambda node=node: node.status()["peers"] == NODES - 1)
    putting = Putting(home, (), [node.address for node in nodes])
    down: list[int] = []

    def restart(n):
        down.remove(n)
        edge = next(node for i, node in enumerate(nodes) if i not in down and i != n)
        nodes[n] = home.start("--edge", edge.address, data=f"n{n}", listen=nodes[n].address)

    try:
        putting.wait_for_more(PUTS_BETWEEN)
        for _ in range(kills):
            victim = rng.choice([n for n in range(NODES) if n not in down])
            nodes[victim].kill()
            down.append(victim)
            putting.wait_for_more(PUTS_BETWEEN)
            while len(down) >= DOWN_MAX or (down and rng.random() < 0.5):
                restart(rng.choice(down))
        for n in tuple(down):
            restart(n)
        for node in nodes:
            until(lambda node=node: node.status()["peers"] == NODES - 1)
        puts, last = putting.finish()
    finally:
        putting.close()
    damage = [text for node in nodes for text in node.status()["journal_damage"]]
    assert not [text for text in damage if "damaged" in text], "torn tails are all that is right"
    return puts, last


def nothing_is_lost(home, kills, seed):
    puts, last = storm(home, kills, seed)
    acknowledged = [number for number, why in puts.items() if why is None]
    print(f"{len(acknowledged)} of {last['started']} puts acknowledged in {kills} kills")
    assert last["unreadable"] == {}
    assert len(acknowledged) > PUTS_BETWEEN * kills / 2, "most puts are to succeed"


def test_nothing_acknowledged_is_lost_while_nodes_are_killed(home):
    nothing_is_lost(home, KILLS, 1)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_acknowledged_is_lost_in_many_kills(home, part):
    seed = Random().getrandbits(32)
    print(f"seed {seed}")  # pytest shows it if the test fails
    nothing_is_lost(home, KILLS_SOAK, seed)
