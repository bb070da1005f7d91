"""The rival for files: tahoe-lafs, six storage nodes and a client with 4 of 6, driven by its
command and its HTTP interface.

An introducer tells the client of the storage nodes, as its manual sets up a grid. All of it listens
on the loopback and keeps what it stores in a temporary folder; it does not sync its disk.
"""

import http.client
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

NEEDED, TOTAL = 4, 6
PATIENCE_SECONDS = 60.0
READ_BYTES = 1 << 20


def command() -> str | None:
    """Where `tahoe` is: beside this Python, or on the path; None: nowhere."""
    beside = Path(sys.executable).with_name("tahoe")
    return str(beside) if beside.exists() else shutil.which("tahoe")


class Grid:
    """A client of a running grid."""

    def __init__(self, port: int) -> None:
        self._port = port

    def put(self, path: Path) -> str:
        """Upload a file; returns its capability."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        with path.open("rb") as file:
            headers = {"Content-Length": str(path.stat().st_size)}
            connection.request("PUT", "/uri", body=file, headers=headers)
            response = connection.getresponse()
            answer = response.read().decode()
        connection.close()
        if response.status >= 300:
            raise RuntimeError(f"tahoe-lafs put: {response.status} {answer[:200]}")
        return answer

    def get(self, capability: str, path: Path) -> None:
        """Download to a file."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("GET", f"/uri/{capability}")
        response = connection.getresponse()
        with path.open("wb") as file:
            while data := response.read(READ_BYTES):
                file.write(data)
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"tahoe-lafs get: {response.status}")


@contextmanager
def grid() -> Iterator[Grid]:
    """Start a grid, and end it. Raises RuntimeError if it does not come up."""
    tahoe = command()
    assert tahoe is not None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dave-tahoe-")))
        introducer = folder / "introducer"
        _create(tahoe, "create-introducer", introducer, *_listening())
        _start(tahoe, introducer, stack)
        furl_file = introducer / "private" / "introducer.furl"
        _wait(furl_file.exists, "the introducer")
        furl = furl_file.read_text().strip()
        shares = ["--shares-needed", str(NEEDED), "--shares-happy", str(TOTAL)]
        shares += ["--shares-total", str(TOTAL), "--introducer", furl]
        for number in range(TOTAL):
            node = folder / f"storage{number}"
            _create(tahoe, "create-node", node, *_listening(), *shares, "--webport=none")
            _start(tahoe, node, stack)
        port = _free_port()
        client = folder / "client"
        _create(
            tahoe, "create-client", client, *shares, f"--webport=tcp:{port}:interface=127.0.0.1"
        )
        _start(tahoe, client, stack)
        _wait(lambda: _connected(port) >= TOTAL, "the grid")
        yield Grid(port)


def _create(tahoe: str, kind: str, folder: Path, *options: str) -> None:
    subprocess.run([tahoe, kind, *options, str(folder)], check=True, capture_output=True)


def _listening() -> tuple[str, str]:
    """Options for a node that listens on a free port of the loopback."""
    port = _free_port()
    return f"--port=tcp:{port}:interface=127.0.0.1", f"--location=tcp:127.0.0.1:{port}"


def _start(tahoe: str, folder: Path, stack: ExitStack) -> None:
    log = stack.enter_context((folder / "output").open("wb"))
    process = subprocess.Popen(
        [tahoe, "run", "--allow-stdin-close", str(folder)],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
    )  # fmt: skip

    def end() -> None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)


def _connected(port: int) -> int:
    """How many storage nodes the client is connected with."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/?t=json")
        answer = connection.getresponse().read()
    except OSError:
        return 0
    finally:
        connection.close()
    return answer.count(b'"connection_status": "connected"')


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"tahoe-lafs: {what} did not come up")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
