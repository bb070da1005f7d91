"""Memory of a process: what is resident, and the most that ever was (Linux)."""

from pathlib import Path


def peak_rss_bytes(pid: int) -> int:
    """VmHWM of a process. Raises OSError, RuntimeError where there is none (any more)."""
    return _field(pid, "VmHWM:")


def rss_bytes(pid: int) -> int:
    """VmRSS of a process. Raises OSError, RuntimeError where there is none (any more)."""
    return _field(pid, "VmRSS:")


def _field(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) << 10
    raise RuntimeError(f"no {name} for process {pid}")
