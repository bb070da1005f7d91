"""Real `dave` processes for tests: each test has a home of its own, with data and configuration
folders, and whatever it starts is ended by its process id, however the test ends.

The fixtures `home` and `node` are there for every test (conftest.py).
"""

import asyncio
import json
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dave.edge.control import ask
from dave.names import Address

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 30.0
"""How long to wait for what must come; generous, since a machine may be busy."""

SHIFTED_CLOCK = """\
import os, time
_real, _shift = time.time_ns, int(os.environ["TEST_CLOCK_SHIFT"]) * 1_000_000_000
time.time_ns = lambda: _real() + _shift
time.time = lambda: time.time_ns() / 1e9
"""


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON object that it must be."""
        return json.loads(self.out)


class NodeProcess:
    """A `dave run` that has said where it listens."""

    def __init__(self, command: list[str], data: Path, env: dict[str, str], limit: int | None):
        self.data = data
        data.parent.mkdir(parents=True, exist_ok=True)
        self._errors = data.with_name(data.name + ".stderr")
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=env,
                preexec_fn=None if limit is None else partial(_limit_file_size, limit),
            )  # fmt: skip
        try:
            self.address = self._first_line().split()[-1]
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def host_port(self) -> Address:
        """Where it listens, as sockets take it."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def stderr(self) -> str:
        """All that it said on standard error, in earlier runs on the same folder too."""
        return self._errors.read_text("utf-8")

    def ask(self, question: str) -> dict[str, Any]:
        """Ask its control socket."""
        return ask(self.data / "control.sock", question)

    def status(self) -> dict[str, Any]:
        """What `dave status --json` prints."""
        return self.ask("status")

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self._close()

    def stop(self) -> int:
        """As Ctrl-C or a service manager would; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self._close()
        return self.process.returncode

    def _close(self) -> None:
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        line = self.process.stdout.readline().decode() if readable else ""
        assert line.startswith("dave listening on "), f"no first line; it said: {self.stderr}"
        return line


class Home:
    """A user's home in a temporary folder, and the nodes started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._nodes: list[NodeProcess] = []

    def env(self, shift_seconds: int = 0, **more: str) -> dict[str, str]:
        """The environment of a command; `shift_seconds` is how far its wall clock goes ahead."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("DAVE_", "XDG_"))}
        path = [str(ROOT), str(ROOT / "cmd")]
        if shift_seconds:
            shifted = self.folder / "shifted"
            shifted.mkdir(exist_ok=True)
            (shifted / "sitecustomize.py").write_text(SHIFTED_CLOCK, "utf-8")
            path.insert(0, str(shifted))
            env["TEST_CLOCK_SHIFT"] = str(shift_seconds)
        env |= {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "PYTHONPATH": os.pathsep.join(path),
        }
        if "DAVE_NO_KERNEL" in os.environ:
            env["DAVE_NO_KERNEL"] = os.environ["DAVE_NO_KERNEL"]
        return env | more

    def dave(
        self,
        *args: object,
        stdin: bytes = b"",
        shift_seconds: int = 0,
        prefix: Sequence[str] = (),
        **env: str,
    ) -> Done:
        """Run one command to its end; `prefix` is a command that runs it somewhere else."""
        done = subprocess.run(
            [*prefix, sys.executable, "-m", "dave_cli", *map(str, args)],
            input=stdin, capture_output=True, env=self.env(shift_seconds, **env),
            timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        out, err = (each.decode("utf-8", "surrogateescape") for each in (done.stdout, done.stderr))
        return Done(done.returncode, out, err)

    def start(
        self,
        *args: object,
        data: str | Path = "node",
        listen: str = "127.0.0.1:0",
        shift_seconds: int = 0,
        file_bytes_max: int | None = None,
        prefix: Sequence[str] = (),
    ) -> NodeProcess:
        """Start a node; `file_bytes_max` makes writes beyond it fail as a full disk would;
        `prefix` is a command that runs it somewhere else."""
        command = [*prefix, sys.executable, "-m", "dave_cli", "run", "--listen", listen]
        command += ["--data", str(self.folder / data), "--capacity", "16M", *map(str, args)]
        env = self.env(shift_seconds)
        node = NodeProcess(command, self.folder / data, env, file_bytes_max)
        self._nodes.append(node)
        return node

    def close(self) -> None:
        """End every node that still runs."""
        for node in self._nodes:
            node.kill()


def until(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for a condition to come true; its value."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
    return result


async def until_async(condition: Callable[[], Any]) -> Any:
    """As `until`, for a test that runs in an event loop."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)
    return result


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home for one test."""
    made = Home(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that the tests of a module share."""
    made = Home(tmp_path_factory.mktemp("shared"))
    try:
        yield made.start()
    finally:
        made.close()


def _limit_file_size(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
