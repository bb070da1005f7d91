"""A fresh replica pulls 100,000 entries of 1,000 bytes from its neighbour on the loopback.

Two `dave run`: one reads them from its journal, the other has an empty folder, meets it and pulls.
Every entry is verified and written. The reference is verifying alone, on all cores at once, in the
same run: nothing that verifies can be faster.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench._process import NodeProcess, cpu_seconds
from bench._rows import row
from dave.crypto.network import network
from dave.edge.journal_file import JournalFile
from dave.edge.journal_writer import Sync
from dave.edge.keyfile import save_network_secret
from dave.names import hybrid_time
from dave.store.journal import entry_record
from dave.testing.owner import Owner

ENTRIES = 100_000
VALUE_BYTES = 1000
TTL_SECONDS = 86_400
NETWORK, SECRET = "bench-sync", b"a secret of the bench"
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 600
VERIFY = """
import sys, time
from dave.crypto.sign import verify
from nacl.signing import SigningKey
key, message = SigningKey.generate(), bytes(1200)
signed = key.sign(message).signature + message
owner = bytes(key.verify_key)
count, began = 0, time.monotonic()
while time.monotonic() - began < 2:
    for _ in range(100):
        assert verify(owner, signed)
    count += 100
print(count / (time.monotonic() - began))
"""


def run(entries: int = ENTRIES) -> list[dict[str, Any]]:
    """The rate of the pull, what it costs both sides, and what memory it takes."""
    floor = verify_rate()
    with tempfile.TemporaryDirectory(prefix="dave-bench-") as name:
        folder = Path(name)
        secret = folder / "secret"
        save_network_secret(secret, SECRET)
        (folder / "old").mkdir()
        (folder / "new").mkdir()
        write_journal(folder / "old" / "journal", entries)
        options = ("--secret-file", str(secret), "--sync", "second")
        old = NodeProcess(folder / "old", NETWORK, *options)
        try:
            new = NodeProcess(folder / "new", NETWORK, "--edge", old.host_port, *options)
            try:
                return measure(old, new, entries, floor)
            finally:
                new.stop()
        finally:
            old.stop()


def measure(old: NodeProcess, new: NodeProcess, entries: int, floor: float) -> list[dict[str, Any]]:
    """Watch the new node fill, from its first entries on."""
    began = time.monotonic()
    while not new.status()["entries"]:
        assert time.monotonic() - began < PATIENCE_SECONDS, "the pull has not begun"
        time.sleep(LOOK_SECONDS)
    start, had = time.monotonic(), new.status()["entries"]
    cpu = cpu_seconds(old.process.pid), cpu_seconds(new.process.pid)
    held = had
    while held < entries:
        assert time.monotonic() - start < PATIENCE_SECONDS, f"only {held} entries came"
        time.sleep(LOOK_SECONDS)
        held = new.status()["entries"]
    seconds, count = time.monotonic() - start, entries - had
    sent = cpu_seconds(old.process.pid) - cpu[0]
    pulled = cpu_seconds(new.process.pid) - cpu[1]
    beside = peak_bytes(new.process.pid) - peak_bytes(old.process.pid)
    return [
        row("sync", "entries pulled, verified, written", count / seconds, "1/s", goal=25_000),
        row("sync", "the same, against verifying alone", count / seconds, "1/s", floor),
        row("sync", "CPU of who sends", sent / count * 1e6, "us/entry"),
        row("sync", "CPU of who pulls", pulled / count * 1e6, "us/entry"),
        row("sync", "peak memory beyond one that read its disk", beside / 1e6, "MB",
            goal=64, below=True),
    ]  # fmt: skip


def write_journal(folder: Path, count: int) -> None:
    """What a node has on disk that took in so many puts."""
    rng = random.Random(1)
    owner = Owner(rng, network(NETWORK, SECRET))
    folder.mkdir()
    journal = JournalFile(folder, Sync.NEVER, lambda _: 0, lambda *_: None, lambda _: None)
    now = hybrid_time(time.time_ns() // 1_000_000)
    for i in range(count):
        entry = owner.entry(b"%d" % i, rng.randbytes(VALUE_BYTES), now, TTL_SECONDS)
        journal.append(entry_record((journal.start << 32) + i + 1, entry.data), i)
    journal.close()


def verify_rate() -> float:
    """Signatures a second that all cores verify together, doing nothing else."""
    cores = len(os.sched_getaffinity(0))
    running = [
        subprocess.Popen([sys.executable, "-c", VERIFY], stdout=subprocess.PIPE, text=True)
        for _ in range(cores)
    ]
    return sum(float(process.communicate(timeout=60)[0]) for process in running)


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had resident."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
