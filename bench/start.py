"""How long a person waits for `dave get` of a value that is held: from process start to its end,
with the value printed. The bare interpreter is the floor."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench._process import node_process
from bench._rows import row

RUNS = 25
NETWORK = "bench-start"


def run() -> list[dict[str, Any]]:
    """Interleaved with the interpreter alone, since machines drift."""
    with tempfile.TemporaryDirectory() as home, node_process(NETWORK) as node:
        environment = os.environ | {"XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home}
        # As installed for a user: with bytecode, which the first command below writes.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        host, port = node.address
        client = ["--network", NETWORK, "--edge", f"{host}:{port}"]
        dave = [str(Path(sys.executable).with_name("dave"))]
        put = subprocess.run([*dave, "put", "greeting", "hello", *client], env=environment,
                             capture_output=True, check=True, text=True)  # fmt: skip
        uri = put.stdout.strip()
        cases = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "dave get URI": [*dave, "get", uri, *client],
            "dave get KEY": [*dave, "get", "greeting", *client],
            "dave --help": [*dave, "--help"],
        }
        times: dict[str, list[float]] = {case: [] for case in cases}
        for _ in range(RUNS):
            for case, command in cases.items():
                began = time.perf_counter()
                done = subprocess.run(command, env=environment, capture_output=True, check=True)
                times[case].append((time.perf_counter() - began) * 1e3)
                assert not case.startswith("dave get") or done.stdout == b"hello"
    goals = {"dave get URI": 120.0, "dave get KEY": 120.0, "dave --help": 80.0}
    return [
        row("start", case, median(each), "ms", goal=goals.get(case), below=True)
        for case, each in times.items()
    ]
