"""Memory of a process: the most that was ever resident (Linux)."""

from pathlib import Path


def peak_rss_bytes(pid: int) -> int:
    """VmHWM of a process."""
    return _status_bytes(pid, "VmHWM")


def rss_bytes(pid: int) -> int:
    """VmRSS of a process."""
    return _status_bytes(pid, "VmRSS")


def _status_bytes(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise RuntimeError(f"no {name} for process {pid}")
