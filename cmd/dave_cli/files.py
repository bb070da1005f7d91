"""What `dave get` and `dave fetch` do about values of any size."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from dave.uri import split_link
from dave_cli import options
from dave_cli.loop import run
from dave_cli.progress import ByteProgress


def fetch(args: Namespace, key: Any, path: Path | None, found: Any = None) -> int:
    """Fetch what NAME says to `path`, or to standard output; the exit code. found: its entry, if
    that was read already."""
    progress = ByteProgress("got", args.json)
    # Checked here, since it is the caller's to mend whatever stands under the name.
    if args.range is not None:
        from dave.edge.files.byte_range import parse_range

        parse_range(args.range)
    try:
        got = run(_fetch(args, key, path, found, progress))
    except KeyboardInterrupt:
        progress.close()
        if path is not None:
            print("dave: stopped; the same command goes on from there", file=sys.stderr)
            return 130
        raise
    finally:
        progress.close()
    if got is None:
        print(f"dave: nothing stands under {split_link(args.name)[0]}", file=sys.stderr)
        return 1
    _tell(args, got, path)
    return 0


async def _fetch(
    args: Namespace, key: Any, path: Path | None, found: Any, progress: ByteProgress
) -> Any:
    from dave.errors import UsageError

    async with options.async_client(args, key) as client:
        how = {"timeout": args.timeout, "quorum": args.quorum, "range": args.range, "found": found}
        if path is None and sys.stdout.isatty():
            file = await client.open_file(args.name, **how)
            if file is not None and file.is_folder:
                raise UsageError(f"{args.name} is a folder: give --out PATH, where it is unpacked")
        where = sys.stdout.buffer if path is None else path
        return await client.get_file(args.name, where, progress=progress, **how)


def _tell(args: Namespace, got: Any, path: Path | None) -> None:
    about = got.about
    if args.json:
        print(json.dumps(_as_json(got, path)))
    for address in got.corrupting:
        print(
            f"dave: warning: {address} sent damaged shares; they were fetched elsewhere",
            file=sys.stderr,
        )
    for link in got.skipped:
        print(f"dave: warning: left out a link that leads out: {link}", file=sys.stderr)
    if got.started_anew:
        print(
            "dave: what was begun there was another version, or range: fetched from the beginning",
            file=sys.stderr,
        )
    if path is not None and not args.json and sys.stderr.isatty():
        from dave_cli.lifetime import time_left

        rate = (got.written - got.begun) / max(got.seconds, 1e-9) / 1e6
        print(
            f"{path}: {got.written:,} bytes in {got.seconds:.1f} s ({rate:,.0f} MB/s); expires in "
            f"{time_left(about.expires)}",
            file=sys.stderr,
        )


def _as_json(got: Any, path: Path | None) -> dict[str, Any]:
    from dave.uri import owner_name

    about = got.about
    return {
        "uri": about.uri,
        "owner": owner_name(about.owner),
        "key": about.key.decode("utf-8", "backslashreplace"),
        "value": None,
        "size": got.size,
        "written": got.written,
        "resumed_from": got.begun,
        "path": None if path is None else str(path),
        "folder": got.is_folder,
        "time": about.time,
        "digest": about.digest.hex(),
        "expires": about.expires,
        "compressed": about.compressed,
        "replicas": about.replicas,
        "corrupting": got.corrupting,
        "skipped": got.skipped,
        "seconds": round(got.seconds, 6),
    }
