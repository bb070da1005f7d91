"""What the doctor asks of this machine alone: the kernel for stamps, open files, the port, the
local network, versions."""

import os
import platform
import resource
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dave import __version__
from dave.bulk_limits import LINKS_ACCEPTED_MAX, LINKS_DIALLED_MAX
from dave.crypto.hashes import STAMP_PREFIX_BYTES
from dave.edge import search, search_helpers
from dave.edge.doctor.finding import Finding, ok, problem, warning
from dave.edge.lan import voices
from dave.edge.limits import SHARE_HANDLES_MAX
from dave.edge.listen import bind_listen
from dave.errors import AddressInUse, NetworkError, UsageError

FILES_NEEDED = LINKS_ACCEPTED_MAX + LINKS_DIALLED_MAX + SHARE_HANDLES_MAX + 64
"""Connections of the bulk channel, shares kept open, and what a node opens beside them."""
MEASURE_SECONDS = 0.1


def version(status: Mapping[str, Any] | None) -> Finding:
    """This Dave, and that of the node here."""
    here = f"dave {__version__}, Python {platform.python_version()}, {platform.system()}"
    running = None if status is None else status.get("version")
    if running not in (None, __version__):
        return warning(
            "version",
            f"{here}; the node here still runs {running}",
            "stop the node and start it again",
        )
    return ok("version", here)


def kernel() -> Finding:
    """Whether stamps are searched by the C kernel, and how fast."""
    has_kernel = search.has_kernel()
    rate = _rate(has_kernel)
    if has_kernel:
        return ok(
            "kernel", f"stamps are searched by the C kernel, {rate / 1e6:,.0f} million hashes/s"
        )
    text = f"no C kernel: stamps are searched in Python, {rate / 1e6:,.1f} million hashes/s"
    if os.environ.get("DAVE_NO_KERNEL"):
        return warning("kernel", f"{text} (DAVE_NO_KERNEL says so)", "unset DAVE_NO_KERNEL")
    again = "pip install --force-reinstall --no-deps dave-kv"
    has_compiler = any(map(shutil.which, (os.environ.get("CC", "cc"), "cc", "gcc", "clang")))
    if has_compiler:
        return warning("kernel", f"{text}; there is a C compiler, which could build it", again)
    return warning("kernel", f"{text}; there is no C compiler", f"sudo apt install gcc && {again}")


def _rate(has_kernel: bool) -> float:
    """Hashes a second on one core."""
    hashes = 2**18 if has_kernel else 2**12
    tried, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < MEASURE_SECONDS or not tried:
        search_helpers.search_slice(has_kernel, bytes(STAMP_PREFIX_BYTES), 1 << 256, 0, hashes)
        tried += hashes
    return tried / spent


def open_files() -> Finding:
    """Whether a node may open as many files as it can need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES_NEEDED:
        shown = "any number of" if soft == resource.RLIM_INFINITY else f"{soft:,}"
        return ok(
            "open files", f"a process may open {shown} files; a node needs up to {FILES_NEEDED}"
        )
    text = f"a process may open {soft:,} files; a busy node needs up to {FILES_NEEDED}"
    can_raise = hard == resource.RLIM_INFINITY or hard >= FILES_NEEDED
    mend = f"ulimit -n {FILES_NEEDED}" if can_raise else (
        f"have the limit raised: LimitNOFILE={FILES_NEEDED} in the systemd unit, or limits.conf"
    )  # fmt: skip
    return warning("open files", text, mend)


def port(listen: str, status: Mapping[str, Any] | None) -> Finding:
    """Whether a node could listen there, or which one does."""
    if status is not None:
        return ok("port", f"{status['address']} is taken by the node here, process {status['pid']}")
    try:
        bound = bind_listen(listen)
    except AddressInUse as error:
        number = int(listen.rpartition(":")[2])
        pid = holder(number)
        who = f"process {pid} ({_command(pid)})" if pid else "another process"
        if error.__cause__ is None or "in use" not in str(error.__cause__):
            return problem(
                "port", str(error), "name an address of this machine: dave run --listen ADDR"
            )
        return problem(
            "port", f"{listen} is taken by {who}",
            f"kill {pid}, or take another port: dave run --listen :0" if pid
            else "take another port: dave run --listen :0",
        )  # fmt: skip
    except (UsageError, NetworkError, OSError) as error:
        return problem("port", f"--listen {listen}: {error}", "dave run --listen HOST:PORT")
    bound.close()
    return ok("port", f"{listen} is free, for UDP and TCP")


def holder(number: int) -> int | None:
    """The process that has a UDP or TCP socket at that port, where the system lets us see it."""
    inodes = set()
    for table in ("udp", "udp6", "tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        fields = [line.split() for line in lines]
        inodes |= {f[9] for f in fields if int(f[1].rpartition(":")[2], 16) == number}
    wanted = {f"socket:[{inode}]" for inode in sorted(inodes - {"0"})}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(os.readlink(link) in wanted for link in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:
            continue  # another user's, or it has just ended
    return None


def _command(pid: int) -> str:
    """Its name, which it chose itself: no control character in it reaches the terminal."""
    try:
        name = Path("/proc", str(pid), "comm").read_bytes().strip()
    except OSError:
        return "?"
    text = name.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def lan(is_wanted: bool) -> Finding:
    """Whether nodes could find each other by multicast here."""
    found = [voice.source for voice in voices("0.0.0.0")]
    if found:
        return ok("local network", f"multicast goes out from {', '.join(found)}")
    text = "no interface with a private address and multicast: `--lan` finds nobody"
    if is_wanted:
        return problem("local network", text, "name a node instead: dave run --edge HOST:PORT")
    return ok("local network", f"{text} (it is not asked for)")
