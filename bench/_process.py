"""A `dave run` to measure, and what it costs: CPU time of all its threads and processes."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dave.edge.control import ask


class NodeProcess:
    """A node in a process of its own, on a free port of the loopback unless told which."""

    def __init__(
        self, data: Path, network: str, *options: str, listen: str = "127.0.0.1:0"
    ) -> None:
        self.data = data
        command = [sys.executable, "-m", "dave_cli", "run", "--listen", listen]
        command += ["--data", str(data), "--network", network, *options]
        with (data / "stderr").open("a") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("dave listening on "), "the node did not start"
        host, _, port = line.split()[-1].rpartition(":")
        self.address = (host, int(port))

    @property
    def host_port(self) -> str:
        """HOST:PORT."""
        return "{}:{}".format(*self.address)

    def status(self) -> dict[str, Any]:
        """What `dave status --json` prints."""
        return ask(self.data / "control.sock", "status")

    def cpu_seconds(self) -> float:
        """On all cores so far, workers included, in steps of a nanosecond (Linux schedstat)."""
        return cpu_seconds(self.process.pid)

    def stop(self, *, kill: bool = False) -> None:
        """End it, as a service manager would or (`kill`) as a power cut would."""
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()


@contextmanager
def node_process(network: str, *options: str) -> Iterator[NodeProcess]:
    """Start a node, and end it."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as folder:
        node = NodeProcess(Path(folder), network, *options)
        try:
            yield node
        finally:
            node.stop()


def cpu_seconds(pid: int) -> float:
    """CPU time so far of a process and its children, all threads (Linux schedstat)."""
    return sum(_cpu_ns(each) for each in _family(pid)) / 1e9


def _family(pid: int) -> list[int]:
    family = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            family += _family(int(child))
    return family


def _cpu_ns(pid: int) -> int:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
