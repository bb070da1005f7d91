"""Many nodes on the loopback, each a `dave run` with a data folder of its own, in a chain."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench._process import NodeProcess
from dave.edge.control import ask
from dave.limits import REPLICAS

PATIENCE_SECONDS = 60.0


class Cluster:
    """The nodes by number; those that were killed keep their folder and their port."""

    def __init__(self, folder: Path, network: str, count: int, *options: str) -> None:
        self.network = network
        self._folder = folder
        self._options = options
        self.nodes: list[NodeProcess] = []
        self.dead: set[int] = set()
        try:
            for number in range(count):
                edge = ["--edge", self.nodes[-1].host_port] if self.nodes else []
                self.nodes.append(self._start(number, "127.0.0.1:0", *edge))
        except BaseException:
            self.close()
            raise

    @property
    def living(self) -> list[int]:
        """Numbers of the nodes that run."""
        return [n for n in range(len(self.nodes)) if n not in self.dead]

    def kill(self, numbers: list[int]) -> None:
        """`kill -9`, all at once."""
        for number in numbers:
            self.nodes[number].process.kill()
        for number in numbers:
            self.nodes[number].stop(kill=True)
            self.dead.add(number)

    def restart(self, number: int) -> None:
        """On its old port and folder, through a node that lives."""
        edge = self.nodes[self.living[0]].host_port
        old = self.nodes[number]
        self.nodes[number] = self._start(number, old.host_port, "--edge", edge)
        self.dead.remove(number)

    @contextmanager
    def alone(self, number: int) -> Iterator[NodeProcess]:
        """A dead node brought up on another port and without an edge, where no other finds it:
        what it holds then comes from its own disk."""
        node = self._start(number, "127.0.0.1:0")
        try:
            yield node
        finally:
            node.stop()

    def wait_until_joined(self) -> None:
        """Until each living node knows those R that are nearest to it."""
        ids = [int(self.nodes[n].status()["id"], 16) for n in self.living]

        def knows_nearest(number: int, own: int) -> bool:
            near = sorted(ids, key=lambda other: other ^ own)[1 : REPLICAS + 1]
            known = ask(self.nodes[number].data / "control.sock", "peers")["peers"]
            return {f"{other:016x}" for other in near} <= {peer["id"] for peer in known}

        if not wait_for(
            lambda: all(map(knows_nearest, self.living, ids)),
        ):
            print("not every node came to know those nearest to it", file=sys.stderr)

    def cpu_seconds(self) -> float:
        """Of all nodes that run, so far."""
        return sum(self.nodes[n].cpu_seconds() for n in self.living)

    def close(self) -> None:
        """End all that still run."""
        for number in self.living:
            self.nodes[number].process.terminate()
        for number in self.living:
            self.nodes[number].stop()

    def _start(self, number: int, listen: str, *options: str) -> NodeProcess:
        data = self._folder / f"node{number}"
        data.mkdir(exist_ok=True)
        return NodeProcess(data, self.network, *self._options, *options, listen=listen)


@contextmanager
def cluster(network: str, count: int, *options: str) -> Iterator[Cluster]:
    """Start that many nodes, wait until all know all, and end them."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as folder:
        nodes = Cluster(Path(folder), network, count, *options)
        try:
            nodes.wait_until_joined()
            yield nodes
        finally:
            nodes.close()


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    """Poll until the condition is true (True) or the time is over (False)."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
