"""A transfer between processes over real TCP goes on where it was cut: by closed sockets, and by
kill -9 of either side."""

import filecmp
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dave.bulk_limits import BULK_DATA_BYTES_MAX, LINK_SLICE_BYTES
from dave.limits import PIECE_BYTES_MAX

ROOT = Path(__file__).parents[2]
MEGABYTE = 1 << 20
FRAMING_BYTES = 25 + 18 + (PIECE_BYTES_MAX // BULK_DATA_BYTES_MAX - 1) * (5 + 18)
"""What comes with a whole piece: heads of frames, and lengths and tags of records."""
HANDSHAKE_BYTES = 2048
"""More than a handshake and all small frames until the first piece."""


class Process:
    """A bulk_peer; `lines` are awaited one by one."""

    def __init__(self, *arguments, errors):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.edge.bulk_peer", *map(str, arguments)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip

    def line(self):
        return self.process.stdout.readline().strip()

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def end(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()


class Transfer:
    """A file on its way from one process to another."""

    def __init__(self, folder, size):
        self.folder = folder
        self.source, self.copy = folder / "in", folder / "out"
        rng = random.Random(1)
        with self.source.open("wb") as file:
            for _ in range(size // MEGABYTE):
                file.write(rng.randbytes(MEGABYTE))
        self._errors = (folder / "stderr").open("w")
        self.listen = "127.0.0.1:0"
        self.server = self.puller = None
        self.start_server()
        self.start_puller()

    def start_server(self):
        self.server = self._start("serve", self.folder / "a", self.source, self.listen)
        self.listen = self.server.line()

    def start_puller(self):
        self.puller = self._start("pull", self.folder / "b", self.copy, self.listen)
        assert self.puller.line() == "started"

    def _start(self, *arguments):
        return Process(*arguments, errors=self._errors)

    @property
    def have(self):
        return self.copy.stat().st_size if self.copy.exists() else 0

    @property
    def received(self):
        return int.from_bytes((self.folder / "b" / "received").read_bytes(), "little")

    def wait_for(self, size):
        until = time.monotonic() + 60
        while self.have < size:
            assert time.monotonic() < until, f"{self.have} of {size} bytes"
            time.sleep(0.001)

    def close(self):
        for process in (self.server, self.puller):
            if process is not None:
                process.end()
        self._errors.close()


def run_with_cuts(tmp_path, size, cuts, seed=4):
    """`cuts` are functions of the transfer, called at random points of it; the bytes that came
    more than once, and how many a cut may cost."""
    transfer = Transfer(tmp_path, size)
    rng = random.Random(seed)
    try:
        points = sorted(rng.randrange(size // 20, size * 19 // 20) for _ in cuts)
        for cut, point in zip(cuts, points, strict=True):
            transfer.wait_for(point)
            cut(transfer)
        assert transfer.puller.line() == "done"
        assert filecmp.cmp(transfer.copy, transfer.source, shallow=False)
    finally:
        transfer.close()
    pieces = -(-size // PIECE_BYTES_MAX)
    again = transfer.received - size - pieces * FRAMING_BYTES
    assert again >= 0, "the count is wrong"
    return again


def close_sockets(transfer):
    transfer.server.kill(signal.SIGUSR1)


def kill_server(transfer):
    transfer.server.end()
    transfer.start_server()


def kill_puller(transfer):
    transfer.puller.end()
    transfer.start_puller()


def kill_both(transfer):
    transfer.server.end()
    transfer.puller.end()
    transfer.start_server()
    transfer.start_puller()


def most(cuts):
    """The piece that was under way; and where the process that takes pieces in is killed, what it
    had read in one go."""
    killed = sum(cut in (kill_puller, kill_both) for cut in cuts)
    return len(cuts) * (PIECE_BYTES_MAX + HANDSHAKE_BYTES) + killed * LINK_SLICE_BYTES


@pytest.mark.parametrize(
    "cuts",
    [[close_sockets] * 5, [kill_server], [kill_puller], [kill_both]],
    ids=["sockets", "server", "puller", "both"],
)
def test_a_cut_costs_a_piece_at_most(tmp_path, cuts):
    again = run_with_cuts(tmp_path, 150 * MEGABYTE, cuts)
    assert again <= most(cuts)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_cuts_with_both_sides_restarted(tmp_path, seed):
    again = run_with_cuts(tmp_path, 100 * MEGABYTE, [kill_both] * 20, seed)
    assert again <= most([kill_both] * 20)
