"""Many nodes, each a process, a slow and lossy link between two halves of them where the machine
allows: a third dies at once and comes back, while a client puts. Every put is accounted for."""

import json
import random
import subprocess
import sys

import pytest

from tests.places import places
from tests.processes import ROOT, NodeProcess, until

PUTS = 60
"""That must end in each phase: all alive, some dead, all back."""


class Putting:
    """A client that puts without pause (tests/putting.py), in a process of its own."""

    def __init__(self, home, prefix, edges):
        self._lines = home.folder / "putting.jsonl"
        with self._lines.open("wb") as lines, (home.folder / "putting.stderr").open("wb") as errors:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "tests.putting", *edges],
                cwd=ROOT, env=home.env(), stdin=subprocess.PIPE, stdout=lines, stderr=errors,
            )  # fmt: skip

    def wait_for_more(self, count):
        """Until so many puts more have ended."""
        enough = len(self._whole_lines()) + count
        until(lambda: len(self._whole_lines()) >= enough or self.process.poll() is not None)
        assert self.process.poll() is None, "the client died"

    def finish(self):
        """Let it read what it put; the puts by number, and its last line."""
        self.process.communicate(timeout=60)
        *puts, last = map(json.loads, self._whole_lines())
        return {put["number"]: put["why"] for put in puts}, last

    def close(self):
        """End it, however the test went."""
        self.process.kill()
        self.process.communicate()

    def _whole_lines(self):
        return self._lines.read_bytes().split(b"\n")[:-1]


def start(home, count, where):
    """Nodes in turn here and there, each joined through the first."""
    nodes: list[NodeProcess] = []
    for n in range(count):
        place = where[n % len(where)]
        edge = ("--edge", nodes[0].address) if nodes else ()
        nodes.append(home.start(*edge, data=f"n{n}", listen=f"{place.host}:0", prefix=place.prefix))
    return nodes


@pytest.mark.parametrize(
    ("count", "killed"), [(12, 4), pytest.param(30, 10, marks=pytest.mark.soak)]
)
def test_a_third_dies_and_comes_back_and_every_put_is_accounted_for(home, count, killed):
    rng = random.Random(count)
    with places() as where:
        nodes = start(home, count, where)
        until(lambda: all(node.status()["peers"] >= min(8, count - 1) for node in nodes))
        first = [node.address for node in nodes[: len(where) + 1]]
        client = Putting(home, where[0].prefix, first)
        try:
            client.wait_for_more(PUTS)
            # The edges live on, so that it is not the client which is cut off.
            dead = rng.sample(range(len(first), count), killed)
            for n in dead:
                nodes[n].process.kill()
            held = {}
            for n in dead:
                nodes[n].kill()
            client.wait_for_more(PUTS)
            for n in dead:
                place = where[n % len(where)]
                nodes[n] = home.start(
                    "--edge", nodes[0].address, data=f"n{n}", listen=nodes[n].address,
                    prefix=place.prefix,
                )  # fmt: skip
                held[n] = nodes[n].status()["entries"]
            client.wait_for_more(PUTS)
            puts, last = client.finish()
        finally:
            client.close()
            home.close()  # nodes end before their namespaces
    assert sorted(puts) == list(range(last["started"]))
    assert all(why is None or why for why in puts.values())
    assert last["unreadable"] == {}
    acknowledged = [number for number, why in puts.items() if why is None]
    assert len(acknowledged) >= 2 * PUTS, puts
    assert all(held.values()), "a restarted node has lost what was on its disk"
