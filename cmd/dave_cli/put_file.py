"""What `dave put` and `dave share` do with content that does not fit an entry: an asyncio client,
which uses all cores, shows how far it is, and says how to go on when it is interrupted."""

import sys
import time
from argparse import Namespace
from typing import Any

from dave.edge.files.receipt import FileProgress, FileReceipt, Released, Tally
from dave.errors import NotListed
from dave_cli import options
from dave_cli.loop import run
from dave_cli.progress import ByteProgress

_WORK_WORTH_SAYING = 50_000_000
"""Hashes: a second with a slow core."""

_TTL_WORTH_SAYING = 0.99


class FileLine(ByteProgress):
    """How far a put is; and before it begins, how much work it is."""

    def __init__(self, is_silent: bool) -> None:
        super().__init__("stored", is_silent)
        self._says_work = not is_silent
        self.done = 0
        """Bytes that are stored."""

    def __call__(self, now: FileProgress) -> None:
        self.done = now.done
        if self._says_work and now.work >= _WORK_WORTH_SAYING:
            from dave.edge.search import has_kernel

            self._says_work = False
            seconds = now.work / (100e6 if has_kernel() else 2e6)
            print(
                f"about {now.work / 1e6:,.0f} million hashes of work for the stamps, some "
                f"{seconds:,.0f} s of one core (Ctrl-C ends it)",
                file=sys.stderr,
            )
        super().__call__(now)


def put_content(args: Namespace, key: Any, name: bytes, content: Any) -> Any:
    """Put it; the receipt. Raises DaveError, OSError, KeyboardInterrupt."""
    line = FileLine(args.json)
    try:
        receipt = run(_put(args, key, name, content, line))
        line.close()
        if shorter := shorter_text(receipt.ttl, args.ttl):
            print(shorter, file=sys.stderr)
        return receipt
    except KeyboardInterrupt:
        line.close()
        if line.done:
            print(
                f"dave: {bytes_text(line.done)} are stored: the same command goes on from there, "
                f"`dave rm` releases them and deletes the name",
                file=sys.stderr,
            )
        raise
    finally:
        line.close()


async def _put(args: Namespace, key: Any, name: bytes, content: Any, line: FileLine) -> Any:
    async with options.async_client(args, key) as client:
        receipt = await client.put_file(
            name, content, ttl=args.ttl, code=args.code, random_key=args.random_key,
            private=args.private, cas=args.cas, timeout=args.timeout, max_work=args.max_work,
            progress=line, listed=not args.unlisted,
        )  # fmt: skip
        await receipt.settled()
        try:
            await client.flush()
        except NotListed as error:
            line.close()
            print(f"dave: warning: {error}", file=sys.stderr)
        return receipt


def report_file(receipt: FileReceipt) -> None:
    """Print on standard error what the put of a file can say for itself."""
    file = receipt.file
    left = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(receipt.expires))
    rate = receipt.size / max(receipt.seconds, 1e-3)
    print(
        f"{bytes_text(receipt.size)} stored in {receipt.seconds:.1f} s ({bytes_text(rate)}/s), "
        f"until {left} ({receipt.work_hashes:,} hashes of work)",
        file=sys.stderr,
    )
    if file.stripes:
        print(
            f"code {file.code} at {file.nodes} nodes: {safety_text(file)}; {file.reused} of "
            f"{file.stripes} parts were there already, {bytes_text(file.sent)} were sent",
            file=sys.stderr,
        )
    for (address, reason, _), count in file.refused:
        print(f"  {address}: {reason} ({count} shares)", file=sys.stderr)
    if not receipt.is_private:
        print("whoever knows the name can read it; --private seals it", file=sys.stderr)


def shorter_text(ttl: int, asked: int) -> str:
    """What to say where a file lives shorter than asked, in seconds, since its upload took long or
    was begun long ago; nothing for what nobody would notice."""
    if ttl >= asked * _TTL_WORTH_SAYING:
        return ""
    return (
        f"dave: warning: it lives {ttl:,} s from now on, not {asked:,}, since its upload was begun "
        "earlier: put it again for all of them (what is there is not sent again)"
    )


def safety_text(file: Tally) -> str:
    """How many shares may be lost. A short part has fewer than n, so it is not said of how many."""
    all_spare = file.code.n - file.code.k
    if file.spare == all_spare:
        may = f"any {all_spare} of which" if all_spare else "none of which"
        return f"all shares of each part are stored, {may} may be lost"
    may = f"{file.spare} more" if file.spare else "none more"
    return f"not all shares of each part are stored: of some part {may} may be lost"


def released_text(released: Released) -> str:
    """What became of a file's shares when its name was deleted."""
    nodes = f"{released.nodes} node{'s' if released.nodes != 1 else ''}"
    text = f"its shares were let go of at {nodes}"
    missed = []
    if released.silent:
        missed.append(f"{released.silent} did not answer")
    if not released.is_whole:
        missed.append("some parts of it could not be read, so that not all nodes were told")
    if missed:
        text += f"; {', and '.join(missed)}: what is left runs out by itself"
    return text


def bytes_text(count: float) -> str:
    """A number of bytes, for a person: 999 bytes, 1.5 kB, 20.0 MB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:.0f} bytes"
