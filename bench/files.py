"""Files between six nodes and a client on the loopback, beside tahoe-lafs with six storage nodes
and the same code (4 of 6) in the same run, and beside `openssl enc` to disk, which is the floor.

The network has a secret, so that no work is asked; what 1 GiB for 30 days costs in public is a
row of its own. Dave's time is that of the whole command `dave put` or `dave get`, its start
included; tahoe-lafs is asked by HTTP, of a client that runs. All files are in the page cache,
and all nodes write to the same disk; `--sync never` is what tahoe-lafs does: it hands what it
stores to the kernel. The same with `--sync always`, Dave's default, is a row of its own.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from bench import _tahoe
from bench._cluster import Cluster, cluster
from bench._rows import row
from bench._rss import peak_rss_bytes
from dave.crypto.work import share_work

NETWORK = "bench-files"
NODES = 6
MORE_NODES = 14
MIB = 1 << 20
SIZE_MIB = int(os.environ.get("DAVE_BENCH_FILES_MIB", "1024"))
SMALL_MIB, SMALL_FILES = 10, 100
DAYS = 30
MEMORY_MB = 50
LOOK_SECONDS = 0.02


class Ran:
    """A command that ended: its wall-clock seconds, and the most memory it ever had."""

    def __init__(self, seconds: float, peak_bytes: int, stderr: str) -> None:
        self.seconds = seconds
        self.peak_bytes = peak_bytes
        self.stderr = stderr


class Bench:
    """A folder with a file to put, and a network of six."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "file"
        write_random(self.file, SIZE_MIB)
        self.secret = folder / "secret"
        _dave("keygen", "--network", "--out", str(self.secret))
        _dave("keygen", "--out", str(folder / "owner.key"))

    def run(self, nodes: Cluster, *arguments: str) -> Ran:
        """One command against the first node that lives."""
        process = self.start(nodes, *arguments)
        return wait(process)

    def start(self, nodes: Cluster, *arguments: str) -> "Started":
        """The same, not waited for."""
        verb, *rest = arguments
        edge = nodes.nodes[nodes.living[0]].host_port
        common = ["--edge", edge, "--network", NETWORK, "--secret-file", str(self.secret)]
        key = [] if verb == "fetch" else ["--key", str(self.folder / "owner.key")]
        return Started([sys.executable, "-m", "dave_cli", verb, *rest, *common, *key])


class Started:
    """A command under way."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )


def wait(started: Started) -> Ran:
    """Until it has ended. Raises RuntimeError if it failed."""
    process, peak = started.process, 0
    while process.poll() is None:
        # What the kernel says of a child that has ended begins with its parent's memory.
        with suppress(OSError, RuntimeError):
            peak = max(peak, peak_rss_bytes(process.pid))
        time.sleep(LOOK_SECONDS)
    seconds = time.perf_counter() - started.began
    stderr = process.communicate()[1].decode()
    if process.returncode:
        raise RuntimeError(f"{started.command}: {stderr[-500:]}")
    return Ran(seconds, peak, stderr)


def run() -> list[dict[str, Any]]:
    """All cases."""
    with tempfile.TemporaryDirectory(prefix="dave-bench-files-") as name:
        bench = Bench(Path(name))
        rival = tahoe(bench)
        rows = [*floor(bench), *work_rows()]
        options = ("--secret-file", str(bench.secret))
        with cluster(NETWORK, NODES, *options, "--sync", "never") as nodes:
            rows += whole(bench, nodes, rival)
            rows += many(bench, nodes)
            rows += some_gone(bench, nodes, 2)
            rows += corrupting(bench, nodes)
        with cluster(NETWORK, MORE_NODES, *options, "--sync", "never") as nodes:
            bench.run(nodes, "put", "big", "--file", str(bench.file))
            rows += some_gone(bench, nodes, 4)
        with cluster(NETWORK, NODES, *options, "--sync", "always") as nodes:
            synced = bench.run(nodes, "put", "big", "--file", str(bench.file))
            rows.append(row("files", "put, fsynced", mb_per_second(synced.seconds), "MB/s"))
        return rows


def tahoe(bench: Bench) -> dict[str, float]:
    """MB/s of put, get and the same put again; empty where it is not installed."""
    if _tahoe.command() is None:
        print("tahoe-lafs is not installed: no comparison", file=sys.stderr)
        return {}
    back = bench.folder / "tahoe"
    with _tahoe.grid() as grid:
        began = time.perf_counter()
        capability = grid.put(bench.file)
        put = time.perf_counter() - began
        began = time.perf_counter()
        grid.get(capability, back)
        get = time.perf_counter() - began
        began = time.perf_counter()
        grid.put(bench.file)
        again = time.perf_counter() - began
    back.unlink()
    return {"put": mb_per_second(put), "get": mb_per_second(get), "again": mb_per_second(again)}


def floor(bench: Bench) -> list[dict[str, Any]]:
    """`openssl enc` from file to file."""
    out = bench.folder / "enc"
    command = ["openssl", "enc", "-aes-256-ctr", "-K", "00" * 32, "-iv", "00" * 16]
    command += ["-in", str(bench.file), "-out", str(out)]
    times = [_timed(lambda: subprocess.run(command, check=True)) for _ in range(3)]
    out.unlink()
    return [row("files", "openssl enc to disk", mb_per_second(median(times)), "MB/s")]


def work_rows() -> list[dict[str, Any]]:
    """What 1 GiB for 30 days costs in a public network."""
    shares = 1024 * MIB * NODES // _tahoe.NEEDED
    hashes = share_work(shares, DAYS * 86_400)
    return [row("files", "work for 1 GiB over 30 days", hashes / 1e6, "million hashes")]


def whole(bench: Bench, nodes: Cluster, rival: dict[str, float]) -> list[dict[str, Any]]:
    """Put, get, and put again; and what memory that took."""
    idle = bench.run(nodes, "put", "small", "x").peak_bytes
    before = [peak_rss_bytes(node.process.pid) for node in nodes.nodes]
    first = bench.run(nodes, "put", "big", "--file", str(bench.file))
    put_rate = mb_per_second(first.seconds)
    out = bench.folder / "out"
    got = bench.run(nodes, "get", "big", "--out", str(out))
    check_same(bench.file, out)
    again = mb_per_second(bench.run(nodes, "put", "big", "--file", str(bench.file)).seconds)
    after = [peak_rss_bytes(node.process.pid) for node in nodes.nodes]
    grown = max(b - a for a, b in zip(before, after, strict=True))
    get_rate = mb_per_second(got.seconds)
    return [
        row("files", "put", put_rate, "MB/s", rival.get("put"), goal=2),
        row("files", "get", get_rate, "MB/s", rival.get("get"), goal=3),
        row("files", "put again, to first put", again, "MB/s", put_rate, goal=3),
        row("files", "put again, to tahoe-lafs", again, "MB/s", rival.get("again"), goal=1),
        _memory("client's peak above idle, put", first.peak_bytes - idle),
        _memory("client's peak above idle, get", got.peak_bytes - idle),
        _memory("a node's peak above idle", grown),
    ]


def many(bench: Bench, nodes: Cluster) -> list[dict[str, Any]]:
    """A hundred uploads at a time."""
    files = []
    for number in range(SMALL_FILES):
        files.append(bench.folder / f"small{number}")
        write_random(files[-1], SMALL_MIB)
    before = [peak_rss_bytes(node.process.pid) for node in nodes.nodes]
    began = time.perf_counter()
    edge = nodes.nodes[nodes.living[0]].host_port
    names = [edge, NETWORK, str(bench.secret), str(bench.folder / "owner.key")]
    command = [sys.executable, "-m", "bench._uploads", *names, *map(str, files)]
    client = wait(Started(command))
    seconds = time.perf_counter() - began
    after = [peak_rss_bytes(node.process.pid) for node in nodes.nodes]
    out = bench.folder / "out"
    for file in random.sample(files, 10):
        bench.run(nodes, "get", file.name, "--out", str(out))
        check_same(file, out)
    for file in files:
        file.unlink()
    grown = max(b - a for a, b in zip(before, after, strict=True))
    rate = SMALL_FILES * SMALL_MIB * MIB / 1e6 / seconds
    return [
        row("files", f"{SMALL_FILES} uploads of {SMALL_MIB} MiB at a time", rate, "MB/s"),
        row("files", "its client's peak", client.peak_bytes / 1e6, "MB"),
        _memory("a node's peak growth by that", grown),
    ]


def some_gone(bench: Bench, nodes: Cluster, count: int) -> list[dict[str, Any]]:
    """Get, and get again with so many nodes killed."""

    def get() -> float:
        out = bench.folder / "out"
        seconds = [bench.run(nodes, "get", "big", "--out", str(out)).seconds for _ in range(2)]
        check_same(bench.file, out)
        return min(seconds)

    before = get()
    nodes.kill(nodes.living[-count:])
    case = f"get with {count} of {len(nodes.nodes)} nodes gone"
    return [row("files", case, get(), "s", before, goal=1.5, below=True)]


def corrupting(bench: Bench, nodes: Cluster) -> list[dict[str, Any]]:
    """Get, after the two dead nodes are back and one node's shares have all been changed."""
    for number in sorted(nodes.dead):
        nodes.restart(number)
    nodes.wait_until_joined()
    bad = nodes.nodes[-1]
    changed = 0
    for path in (bad.data / "shares").glob("??/*"):
        with path.open("r+b") as file:
            file.write(bytes(16))
        changed += 1
    out = bench.folder / "out"
    got = bench.run(nodes, "get", "big", "--out", str(out))
    check_same(bench.file, out)
    return [
        row("files", "get with a corrupting node", mb_per_second(got.seconds), "MB/s"),
        row("files", "shares it had changed", changed, "shares", goal=1),
        row("files", "that node named", float(bad.host_port in got.stderr), "", goal=1),
    ]


def mb_per_second(seconds: float) -> float:
    """Of the large file."""
    return SIZE_MIB * MIB / 1e6 / seconds


def write_random(path: Path, mib: int) -> None:
    """Bytes that nobody compresses or deduplicates."""
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))


def check_same(one: Path, other: Path) -> None:
    """Raises RuntimeError unless the two files have the same bytes."""
    if subprocess.run(["cmp", "-s", str(one), str(other)], check=False).returncode:
        raise RuntimeError(f"{other.name} is not {one.name}")


def _memory(case: str, count: int) -> dict[str, Any]:
    return row("files", case, count / 1e6, "MB", goal=MEMORY_MB, below=True)


def _dave(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dave_cli", *arguments], check=True, capture_output=True)


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


assert shutil.which("cmp"), "diffutils"
