"""What the doctor looks at on the disk: room, speed, the journal, key files. It changes nothing,
but for a small file that it makes and removes to time an fsync."""

import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dave.edge.doctor.finding import Finding, ok, problem, warning
from dave.edge.journal_file import SUFFIX, SUFFIX_DAMAGED
from dave.edge.limits import DOCTOR_JOURNAL_BYTES_MAX, SHARE_DISK_RESERVE_BYTES
from dave.errors import JournalError
from dave.limits import JOURNAL_READ_BYTES
from dave.store.journal import RECORDS_OFFSET, Scanner, decode_header

FREE_BYTES_MIN = 64 << 20
"""With less than this a journal is soon read only."""
SYNC_SECONDS_MAX = 0.05
SYNCS = 5
NO_FOLDER = "%s is no folder"


def disk(folder: Path) -> list[Finding]:
    """Room and speed where the data folder is, or would be."""
    place = folder
    while not os.path.exists(place) and place != place.parent:  # nor where nobody lets us look
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK) or not place.is_dir():
        return [
            problem(
                "disk", f"{place} cannot be written to" if place.is_dir() else NO_FOLDER % place,
                _mine(folder),
            )
        ]  # fmt: skip
    usage = shutil.disk_usage(place)
    room = f"{usage.free / 1e9:,.1f} of {usage.total / 1e9:,.0f} GB free at {folder}"
    if usage.free < FREE_BYTES_MIN:
        findings = [problem("disk", room, "make room, or name another folder with --data DIR")]
    elif usage.free < SHARE_DISK_RESERVE_BYTES:
        findings = [
            warning("disk", f"{room}: no shares of files are taken in", "make room on that disk")
        ]
    else:
        findings = [ok("disk", room)]
    try:
        seconds = sync_seconds(place)
    except OSError as error:
        return [*findings, problem("fsync", f"{place}: {error.strerror}", "make room on that disk")]
    text = f"a small file is on the disk within {seconds * 1e3:,.1f} ms"
    if seconds > SYNC_SECONDS_MAX:
        mend = "put the data folder on a faster disk, or: dave run --sync second"
        return [*findings, warning("fsync", f"{text}: puts wait for that", mend)]
    return [*findings, ok("fsync", text)]


def _mine(folder: Path) -> str:
    """How to come by a data folder that can be written to. Only a folder with a journal is ever
    taken over: to change the owner of /etc, or of the /var/lib above a new folder, breaks a system.
    """
    other = "name another folder with --data DIR"
    try:
        folder.lstat()
        is_ours = "journal" in os.listdir(folder)
    except FileNotFoundError:
        return f"sudo install -d -m 700 -o $(id -un) {shlex.quote(str(folder))}, or {other}"
    except PermissionError:
        return f"run this as the user whose folder it is (sudo -u), or {other}"
    except NotADirectoryError:
        return other
    return f"sudo chown -R $(id -un) {shlex.quote(str(folder))}, or {other}" if is_ours else other


def sync_seconds(folder: Path) -> float:
    """The median of a few fsyncs of 4 KiB. Raises OSError."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return sorted(times)[SYNCS // 2]


def data(folder: Path, status: Mapping[str, Any] | None) -> list[Finding]:
    """What lies in the data folder; of a running node it is the node that knows."""
    if status is not None:
        return _of_status(status)
    journal = folder / "journal"
    try:
        segments = sorted(path for path in journal.iterdir() if path.suffix == SUFFIX)
        damaged = sorted(path for path in journal.iterdir() if path.suffix == SUFFIX_DAMAGED)
        size = sum(path.stat().st_size for path in segments)
    except FileNotFoundError:
        return [ok("data", f"no journal in {folder} yet")]
    except OSError as error:
        return [problem("data", f"{journal}: {error.strerror}", _mine(folder))]
    findings = []
    left = DOCTOR_JOURNAL_BYTES_MAX
    for path in segments:
        try:
            findings += _scan(path, left)
        except (JournalError, OSError) as error:
            mend = f"start without it: mv {path} {path}{SUFFIX_DAMAGED}"
            findings.append(problem("data", f"{path.name}: {error}", mend))
        left -= min(left, path.stat().st_size)
    findings += [
        warning("data", f"{path.name} is what was left of a damaged part", f"rm {path}")
        for path in damaged
    ]
    text = f"the journal has {size / 1e6:,.1f} MB in {len(segments)} segments"
    return findings or [ok("data", f"{text}, {'all' if left else 'the first part'} in order")]


def _scan(path: Path, limit: int) -> list[Finding]:
    """Read a segment as a start would, and change nothing. Raises JournalError, OSError."""
    with path.open("rb") as file:
        header, bad_copies = decode_header(file.read(RECORDS_OFFSET))
        scanner = Scanner(header.file_key)
        while limit > 0 and (piece := file.read(min(limit, JOURNAL_READ_BYTES))):
            scanner.feed(piece)
            limit -= len(piece)
        if limit > 0:
            scanner.finish()
    findings = []
    if scanner.damage or bad_copies:
        lost = sum(end - start for start, end in scanner.damage)
        findings.append(
            warning(
                "data", f"{path.name}: {lost:,} bytes are damaged; a start skips them",
                "dave run (other nodes bring back what was lost), and check the disk",
            )
        )  # fmt: skip
    if scanner.torn_at is not None:
        findings.append(ok("data", f"{path.name}: an unfinished record at its end, from a crash"))
    return findings


def _of_status(status: Mapping[str, Any]) -> list[Finding]:
    files = status["files"] or {"notes": [], "failure": None}
    findings = []
    if status["read_only"]:
        text = f"the node stores nothing any more: {status['read_only']}"
        findings.append(problem("data", text, "make room or mend the disk, then restart the node"))
    if status["state_failure"]:
        text = f"the node's database cannot be written: {status['state_failure']}"
        findings.append(problem("data", text, "make room or mend the disk, then restart the node"))
    if files["failure"]:
        text = f"the last share of a file could not be written: {files['failure']}"
        findings.append(problem("data", text, "make room, or: dave run --blob-capacity 0"))
    mend = "check the disk; other nodes bring back what was lost"
    notes = (*status["journal_damage"], *status["state_notes"], *files["notes"])
    findings += [warning("data", text, mend) for text in notes]
    text = (
        f"{status['entries']:,} entries, journal {status['journal_bytes'] / 1e6:,.1f} MB, in order"
    )
    return findings or [ok("data", text)]


def keys(paths: Iterable[tuple[str, Path | None]]) -> list[Finding]:
    """Whether others can read what is secret. `paths`: what each is, and where, if it is set."""
    findings = []
    for what, path in paths:
        if path is None:
            continue
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            findings.append(ok("keys", f"{what} {path}: not there yet"))
            continue
        except OSError as error:
            findings.append(problem("keys", f"{what} {path}: {error.strerror}", f"ls -l {path}"))
            continue
        if mode & 0o077:
            text = f"{what} {path} can be read by others (mode {mode & 0o777:o}) and is refused so"
            findings.append(problem("keys", text, f"chmod 600 {path}"))
        elif not os.access(path, os.R_OK):
            text = f"{what} {path} cannot be read"
            findings.append(problem("keys", text, f"sudo chown $(id -un) {path}"))
        else:
            findings.append(ok("keys", f"{what} {path}: for you alone"))
    return findings
