"""Memory of a process: the most that was ever resident (Linux)."""

from pathlib import Path


def peak_rss_bytes(pid: int) -> int:
    """VmHWM of a process. Raises OSError, RuntimeError where there is none (any more)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise RuntimeError(f"no VmHWM for process {pid}")
