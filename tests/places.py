"""Where the processes of a test run: in two network namespaces with a slow, lossy link between
them where this machine lets us make some (Linux, root, iproute2), else all on the loopback."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.processes import ROOT

DELAY_MS = 5
LOSS = 0.01
"""One way, each packet."""


class Place(NamedTuple):
    """An address to listen on, and what goes before a command so that it runs there."""

    host: str
    prefix: tuple[str, ...] = ()


@contextmanager
def places() -> Iterator[list[Place]]:
    """Two namespaces, or the loopback; removed in the end with all devices in them."""
    names = [f"dave{os.getpid()}{side}" for side in "ab"]
    hosts = ["10.77.0.1", "10.77.0.2"]
    link = _link(names) if _may_try() else None
    try:
        if link is not None and all(map(_make, names, hosts, reversed(hosts))):
            commands = [("ip", "netns", "exec", name) for name in names]
            yield [Place(*each) for each in zip(hosts, commands, strict=True)]
        else:
            yield [Place("127.0.0.1")]
    finally:
        if link is not None:
            link.communicate()  # the end of its input ends it, and its devices with it
            for name in names:
                _ip("netns", "delete", name)


def _may_try() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("ip") is not None


def _link(names: list[str]) -> "subprocess.Popen[bytes] | None":
    link = subprocess.Popen(
        [sys.executable, "-m", "tests.link", *names, str(DELAY_MS), str(LOSS)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert link.stdout is not None
    if link.stdout.readline() == b"ready\n":
        return link
    link.communicate()
    return None


def _make(name: str, host: str, other: str) -> bool:
    """A namespace with the device of that name in it."""
    return (
        _ip("netns", "add", name)
        and _ip("link", "set", name, "netns", name)
        and _ip("-n", name, "address", "add", host, "peer", other, "dev", name)
        and _ip("-n", name, "link", "set", name, "up")
        and _ip("-n", name, "link", "set", "lo", "up")
    )


def _ip(*args: str) -> bool:
    done = subprocess.run(["ip", *args], capture_output=True, check=False)
    return done.returncode == 0
