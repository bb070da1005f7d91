"""Fetches a file or folder to where it is wanted, and goes on where an earlier fetch stopped."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dave.edge.addresses import format_address
from dave.edge.driver import Driver
from dave.edge.files.open import OpenFile, Reader
from dave.edge.files.target import StreamTarget, Target, target_for
from dave.edge.receipt import Value
from dave.errors import UsageError
from dave.files.blocks import Buffer
from dave.names import SECOND


class FetchProgress(NamedTuple):
    """How far a fetch is."""

    done: int
    """Bytes that have been written, those of an earlier attempt included."""
    size: int
    """Bytes that there will be."""
    begun: int
    """Bytes that were there from an earlier attempt."""
    seconds: float
    """Since the first byte was asked for."""


OnFetched = Callable[[FetchProgress], None]
"""Called when more is written."""


class Fetched(NamedTuple):
    """What a fetch did."""

    about: Value
    """Owner, key, time and so on of the entry; its `value` is empty for a file."""
    size: int
    """Bytes of the whole content."""
    written: int
    """Bytes of the range that was asked for; all of it without one."""
    begun: int
    """Bytes of them that an earlier attempt had written."""
    is_folder: bool
    started_anew: bool
    """Whether there was a part of another version, which was thrown away."""
    skipped: list[str]
    """Symbolic links that lead out of a folder, which were left out."""
    corrupting: list[str]
    """Addresses of nodes that sent damaged shares, which were fetched elsewhere."""
    seconds: float


async def fetch(
    driver: Driver, file: OpenFile, path: str | Path | BinaryIO, progress: OnFetched | None
) -> Fetched:
    """Write a file to `path`, which may be an open binary file. Raises UsageError for what is in
    the way, OSError, FolderRefused, and as reading raises."""
    started = driver.now()
    target = await driver.offload(_target, file, path)
    reader: Reader | None = None
    try:
        size = file.stop - file.start
        if target.start > size:
            raise UsageError(f"{path}.part is longer than the file: remove it")
        done = target.start
        reader = file.read_from(target.start)
        while pieces := await reader.next():
            await driver.offload(partial(_write, target, pieces))
            done += sum(map(len, pieces))
            if progress is not None:
                progress(FetchProgress(done, size, target.start, (driver.now() - started) / SECOND))
        await driver.offload(target.finish)
    finally:
        if reader is not None:
            reader.close()
        target.stop()
    return Fetched(
        about=file.about,
        size=file.size,
        written=size,
        begun=target.start,
        is_folder=file.is_folder,
        started_anew=target.started_anew,
        skipped=target.skipped,
        corrupting=[format_address(peer.address) for peer in reader.corrupting],
        seconds=(driver.now() - started) / SECOND,
    )


def _target(file: OpenFile, path: str | Path | BinaryIO) -> Target:
    if not isinstance(path, str | Path):
        return StreamTarget(path)
    if file.is_folder and file.stop - file.start != file.size:
        raise UsageError("a folder is fetched whole: leave out the range")
    size = file.stop - file.start
    return target_for(Path(path), file.identity, size, is_folder=file.is_folder)


def _write(target: Target, pieces: list[Buffer]) -> None:
    for piece in pieces:
        target.write(piece)
