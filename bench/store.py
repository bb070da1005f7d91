"""What the store costs: memory per entry, replay of the journal, insertion into a full store."""

import gc
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from dave.crypto.network import network
from dave.edge.journal_file import JournalFile
from dave.edge.journal_writer import Sync
from dave.store.journal import entry_record
from dave.store.store import Store
from dave.wire.entry import Entry, encode

NOW = 1_700_000_000_000
MEMORY_BYTES_GOAL = 1_600
REPLAY_PER_SECOND_GOAL = 150_000
ENTRIES = 100_000
OWNERS = 1_000
OPEN = network()


def run() -> list[dict[str, Any]]:
    """Rows for `python -m bench store`."""
    rows = [_memory(full) for full in (False, True)]
    rows += [_replay(value_bytes) for value_bytes in (100, 1_000)]
    rows += _insert_at_capacity()
    rows.append(_get())
    return rows


def entries(n: int, value_bytes: int, seed: int = 1) -> list[bytes]:
    """n encoded entries of a thousand owners, no two of one id."""
    rng = random.Random(seed)
    owners = [rng.randbytes(32) for _ in range(OWNERS)]
    value = rng.randbytes(value_bytes)
    return [
        encode(owners[i % OWNERS], b"key %d" % i, value, (NOW + i) << 16, 30 * 86_400)
        for i in range(n)
    ]


def resident_bytes() -> int:
    """Resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure_memory(full: bool) -> None:
    """Runs in a process of its own: prints what each of 100,000 entries adds to resident memory.

    With `full` the shards have their rank order, as in a node at its capacity.
    """
    rng = random.Random(1)
    store = Store(5, OPEN, 1 << 30, 99)
    owners = [rng.randbytes(32) for _ in range(OWNERS)]
    gc.collect()
    before = resident_bytes()
    for i in range(ENTRIES):
        data = encode(
            owners[i % OWNERS], b"key %d" % i, rng.randbytes(1_000), NOW + i << 16, 30 * 86_400
        )
        store.load(data, i, NOW)
    if full:
        store.end_load()
        for shard in store._shards:
            assert shard is not None
            shard.build_order(store._rank_of_held)
    gc.collect()
    print((resident_bytes() - before) / ENTRIES)


def _memory(full: bool) -> dict[str, Any]:
    code = f"from bench.store import measure_memory; measure_memory({full})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    case = "1,000-byte value, shards full" if full else "1,000-byte value"
    return _row(f"resident memory per entry, {case}", float(out.stdout), "B", MEMORY_BYTES_GOAL)


def _replay(value_bytes: int) -> dict[str, Any]:
    """From files into a store: reading, checksums, decoding, ids, order, accounting."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def journal(store: Store) -> JournalFile:
            def load(records: list[Any]) -> int:
                return store.load_records(records, NOW)

            return JournalFile(folder, Sync.NEVER, load, lambda *_: None, lambda error: None)

        first = journal(Store(5, OPEN, 1 << 30, 99))
        for i, data in enumerate(entries(ENTRIES, value_bytes)):
            first.append(entry_record(i, data), i)
        first.close()
        rates = []
        for _ in range(5):
            store = Store(5, OPEN, 1 << 30, 99)
            started = time.perf_counter()
            replayed = journal(store)
            store.end_load()
            rates.append(ENTRIES / (time.perf_counter() - started))
            replayed.close()
            assert len(store) == ENTRIES
    case = f"journal replay, {value_bytes}-byte values"
    return _row(case, median(rates), "1/s", REPLAY_PER_SECOND_GOAL, is_rate=True)


def _insert_at_capacity() -> list[dict[str, Any]]:
    """Judge and insert into a store that is full of n entries; per entry, so growth shows."""
    rows: list[dict[str, Any]] = []
    for n in (1_000, 10_000, 100_000, 1_000_000):
        size = 600 + 120 + len(b"key 1000000") + 32
        store = Store(5, OPEN, max(n * size, 1 << 20), 99)
        fill = entries(n + n // 5, 32)
        for i, data in enumerate(fill):
            store.load(data, i, NOW)
        del fill
        store.end_load()
        for shard in store._shards:
            if shard is not None:
                shard.build_order(store._rank_of_held)
        news = [Entry(data) for data in entries(2_000, 32, seed=2)]
        prepared = [(e, e.id, e.digest(OPEN)) for e in news]
        gc.collect()
        evicted = 0
        started = time.perf_counter()
        for i, (entry, entry_id, digest) in enumerate(prepared):
            verdict = store.judge(entry, entry_id, digest, NOW + n, 24.0)
            if not verdict.status:
                evicted += len(store.insert(entry, entry_id, 2 * n + i, NOW + n, 24.0))
        spent = (time.perf_counter() - started) / len(prepared) * 1e6
        assert evicted > 0
        row = _row(f"judge and insert, full store of {len(store):,}", spent, "us", None)
        if rows:
            row["reference"] = rows[0]["value"]
            row["ratio"] = round(spent / rows[0]["value"], 2)
        rows.append(row)
    return rows


def _get() -> dict[str, Any]:
    store = Store(5, OPEN, 1 << 30, 99)
    data = entries(2_000, 100)
    for i, each in enumerate(data):
        store.load(each, i, NOW)
    ids = [Entry(each).id for each in data]
    get, spent = store.get, []
    for _ in range(20):
        started = time.perf_counter()
        for entry_id in ids:
            get(entry_id, NOW)
        spent.append((time.perf_counter() - started) / len(ids) * 1e6)
    return _row("get of a held entry", median(spent), "us", None)


def _row(
    case: str, value: float, unit: str, goal: float | None, *, is_rate: bool = False
) -> dict[str, Any]:
    ok = None if goal is None else (value >= goal if is_rate else value <= goal)
    return {
        "bench": "store",
        "case": case,
        "value": round(value, 3),
        "unit": unit,
        "reference": None,
        "ratio": None,
        "goal": goal,
        "ok": ok,
    }
