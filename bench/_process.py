"""A `dave run` to measure, and what it costs: CPU time of all its threads and processes."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NodeProcess:
    """A node in a process of its own, on a free port of the loopback."""

    def __init__(self, process: "subprocess.Popen[str]", data: Path) -> None:
        self.process = process
        self.data = data
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("dave listening on "), "the node did not start"
        host, _, port = line.split()[-1].rpartition(":")
        self.address = (host, int(port))

    def cpu_seconds(self) -> float:
        """On all cores so far, workers included, in steps of a nanosecond (Linux schedstat)."""
        return sum(_cpu_ns(pid) for pid in _family(self.process.pid)) / 1e9


@contextmanager
def node_process(network: str, *options: str) -> Iterator[NodeProcess]:
    """Start a node, and end it."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as folder:
        command = [sys.executable, "-m", "dave_cli", "run", "--listen", "127.0.0.1:0"]
        command += ["--data", folder, "--network", network, *options]
        with (Path(folder) / "stderr").open("w") as stderr:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        try:
            yield NodeProcess(process, Path(folder))
        finally:
            process.terminate()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


def _family(pid: int) -> list[int]:
    family = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            family += _family(int(child))
    return family


def _cpu_ns(pid: int) -> int:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
