"""`dave demo`: five real nodes on this machine, a put, a kill, a get. Leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dave.edge.control import ask
from dave.errors import DaveError, Unreachable

NODES = 5
START_SECONDS = 10.0
KEY, VALUE = "greeting", "hello from a network that nobody owns"

EPILOG = """\
examples:
  dave demo
Takes some seconds, needs no network, leaves nothing behind."""


def add_options(parser: ArgumentParser) -> None:
    """`dave demo` has no options."""


def main(_args: Namespace) -> int:
    """Run `dave demo`."""
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dave-demo-")))
        demo = Demo(folder)
        stack.callback(demo.stop)
        demo.run()
    print(f"\nAll of it took {time.monotonic() - began:.1f} s; the nodes and their files are gone.")
    print("Next: `dave run` in one terminal, `dave put greeting hello` in another.")
    return 0


class Demo:
    """The nodes, and the story told with them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._network = f"demo-{os.getpid()}"
        self._nodes: list[Node] = []

    def run(self) -> None:
        """Tell the story."""
        _say(f"Starting {NODES} nodes, each a process of its own")
        first = Node(self._folder / "node1", self._network, [])
        self._nodes.append(first)
        first.wait_until_listening()
        for n in range(2, NODES + 1):
            self._nodes.append(Node(self._folder / f"node{n}", self._network, [first.address]))
        for node in self._nodes:
            node.wait_until_listening()
        for node in self._nodes:
            node.wait_for_peers(NODES - 1)
            print(f"  {node.name}  {node.address:15}  id {node.id:016x}  "
                  f"knows {NODES - 1} others")  # fmt: skip

        putter, reader = self._nodes[0], self._nodes[2]
        _say(f"Putting {KEY!r} through {putter.name}")
        key = str(self._folder / "owner.key")
        _dave("keygen", "--out", key)
        uri = self._dave("put", KEY, VALUE, "--key", key, "--edge", putter.address)
        print(f"  {uri}")

        _say(f"Reading it through {reader.name}")
        print(f"  {self._dave('get', uri, '--edge', reader.address)}")

        victim = self._nearest(uri)
        _say(f"Killing {victim.name}, the holder nearest to the key (kill -9)")
        victim.kill()
        self._nodes.remove(victim)
        print(f"  process {victim.process.pid} is dead")

        reader = self._nodes[-1]
        _say(f"Reading it again through {reader.name}")
        value = self._dave("get", uri, "--edge", reader.address)
        print(f"  {value}")
        if value != VALUE:
            raise DaveError(f"expected {VALUE!r}")

    def stop(self) -> None:
        """End what is still running."""
        for node in self._nodes:
            node.process.terminate()
        for node in self._nodes:
            try:
                node.process.wait(5)
            except subprocess.TimeoutExpired:
                node.process.kill()
                node.process.wait()

    def _dave(self, *args: str) -> str:
        return _dave(*args, "--network", self._network)

    def _nearest(self, uri: str) -> "Node":
        from dave.crypto.hashes import entry_id_of
        from dave.names import place_of
        from dave.uri import parse_name

        owner, key = parse_name(uri)
        assert owner is not None
        place = place_of(entry_id_of(owner, key))
        return min(self._nodes, key=lambda node: node.id ^ place)


class Node:
    """One `dave run`."""

    def __init__(self, data: Path, network: str, edges: list[str]) -> None:
        self.name = data.name
        self._data = data
        data.mkdir()
        self._output = data / "output"
        command = [sys.executable, "-m", "dave_cli", "run", "--listen", "127.0.0.1:0"]
        command += ["--data", str(data), "--network", network, "--capacity", "16M"]
        for edge in edges:
            command += ["--edge", edge]
        with self._output.open("wb") as output, (data / "errors").open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                start_new_session=True,
            )  # fmt: skip

    def wait_until_listening(self) -> None:
        """Until the node has said where it listens."""
        self.address = str(_until(self._listening, self)).split()[-1]
        self.id = int(self._ask("status")["id"], 16)

    def wait_for_peers(self, count: int) -> None:
        """Until the node knows that many others."""
        _until(lambda: self._ask("status")["peers"] >= count, self)

    def kill(self) -> None:
        """As a power cut would."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def why(self) -> str:
        """What it last said."""
        return (self._data / "errors").read_text().strip() or "it said nothing"

    def _listening(self) -> str:
        lines = self._output.read_text().splitlines()
        return lines[0] if lines else ""

    def _ask(self, question: str) -> dict[str, Any]:
        return ask(self._data / "control.sock", question)


def _until(condition: Any, node: Node) -> Any:
    deadline = time.monotonic() + START_SECONDS
    while not (result := condition()):
        if node.process.poll() is not None:
            raise Unreachable(f"{node.name} ended: {node.why()}")
        if time.monotonic() > deadline:
            raise Unreachable(f"{node.name} was not ready in {START_SECONDS:.0f} s: {node.why()}")
        time.sleep(0.02)
    return result


def _dave(*args: str) -> str:
    command = [sys.executable, "-m", "dave_cli", *args]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise DaveError(f"`dave {' '.join(args)}` failed: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


def _say(text: str) -> None:
    print(f"\n{text} …", flush=True)
