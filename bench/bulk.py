"""The bulk channel between two node processes over loopback: speed, CPU of each side, and what gets
wait for while a transfer runs at full speed.

Pieces come from memory and are dropped on arrival, so that only the channel is measured. The
reference is the cryptography alone, in one process: hash and seal a piece, open and hash it.
"""

import gc
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench._bulk_peer import NETWORK, SECRET
from bench._process import cpu_seconds
from bench._rows import row
from dave.bulk_limits import BULK_DATA_BYTES_MAX
from dave.crypto.hashes import piece_checksum
from dave.edge.connect import connect_sync
from dave.edge.keyfile import Key
from dave.limits import PIECE_BYTES_MAX

MEGABYTE = 1e6
PIECES = 8_000
PIECES_IN_GETS = 32_000


def run() -> list[dict[str, Any]]:
    """All cases."""
    rows = []
    floor = crypto_ms_per_megabyte()
    with server() as (process, address):
        for streams in (1, 8):
            before = cpu_seconds(process.pid)
            seconds, cpu = pull(address, streams, PIECES // streams).split()
            served = cpu_seconds(process.pid) - before
            size = PIECES // streams * streams * PIECE_BYTES_MAX / MEGABYTE
            name = f"{streams} stream{'s'[: streams > 1]}"
            rows += [
                row("bulk", name, size / float(seconds), "MB/s"),
                row("bulk", f"{name}: CPU of who sends", served / size * 1e3, "ms/MB", floor / 2),
                row(
                    "bulk", f"{name}: CPU of who asks", float(cpu) / size * 1e3, "ms/MB", floor / 2
                ),
            ]
    with server() as (_, address):  # a network of one, so that gets ask nobody else
        rows += latencies(address)
    return rows


def latencies(address: str) -> list[dict[str, Any]]:
    """Gets from the serving node while it sends at full speed, and while it rests."""
    rows = []
    with connect_sync(address, key=Key.generate(), network=NETWORK, secret=SECRET) as client:
        client.put("k", b"v")
        gc.disable()  # this process remembers each get for some seconds: to look through them all
        # would take longer than any get
        for name in ("at rest", "during a transfer"):
            if name == "at rest":
                times = [timed_get(client) for _ in range(2_000)]
            else:
                with pulling("client", address, 1, PIECES_IN_GETS) as puller:
                    times = []
                    while puller.poll() is None:
                        times.append(timed_get(client))
            rows += [
                row("bulk", f"get {name}, p50", median(times), "ms"),
                row("bulk", f"get {name}, p99", quantiles(times, n=100)[98], "ms"),
                row("bulk", f"get {name}, longest", max(times), "ms"),
            ]
        gc.enable()
    return rows


def timed_get(client: Any) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    assert client.get("k").value == b"v"
    return (time.perf_counter() - began) * 1e3


def crypto_ms_per_megabyte() -> float:
    """CPU of hashing a piece, sealing it by frames, opening those, and hashing it again."""
    cipher = AESGCM(bytes(32))
    pieces = [random.randbytes(PIECE_BYTES_MAX) for _ in range(200)]
    began = time.process_time()
    for number, piece in enumerate(pieces):
        checksum = piece_checksum(piece)
        parts = []
        for start in range(0, PIECE_BYTES_MAX, BULK_DATA_BYTES_MAX):
            nonce = bytes(8) + (number * 4 + start % 4).to_bytes(4, "big")
            sealed = cipher.encrypt(nonce, piece[start : start + BULK_DATA_BYTES_MAX], None)
            parts.append(cipher.decrypt(nonce, sealed, None))
        assert piece_checksum(b"".join(parts)) == checksum
    size = len(pieces) * PIECE_BYTES_MAX / MEGABYTE
    return (time.process_time() - began) / size * 1e3


def pull(address: str, streams: int, pieces: int) -> str:
    """What a puller prints."""
    with pulling("pull", address, streams, pieces) as puller:
        out, _ = puller.communicate(timeout=300)
        assert puller.returncode == 0
        return out


@contextmanager
def pulling(verb: str, address: str, streams: int, pieces: int) -> Iterator[subprocess.Popen[str]]:
    """A process that pulls; ended with the block."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as folder:
        process = _start(verb, folder, address, str(streams), str(pieces))
        with _ended(process):
            yield process


@contextmanager
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves, and its address."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as folder:
        process = _start("serve", folder)
        with _ended(process):
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench._bulk_peer", *arguments],
        cwd=Path(__file__).parents[1], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
