"""`dave get`: the raw value goes to standard output, nothing else. Files of any size are another
page (files.py), which a small value does not wait for."""

import json
import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

from dave.errors import IsFile, UsageError
from dave.uri import split_link
from dave_cli import options

EPILOG = """\
examples:
  dave get greeting                  your own key
  dave get dave://OWNER/KEY          anybody's
  dave get films/one --out one.mkv   a file or folder of any size; interrupted,
                                     the same command goes on
  dave get films/one --range -1000   its last 1,000 bytes
Exit code 1: absent, or too little of it can be found; 3: no node answers."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave get`."""
    parser.add_argument("name", metavar="NAME", help="KEY, or dave://OWNER/KEY")
    parser.add_argument(
        "--out", metavar="PATH", type=Path, help="where to write the file or folder"
    )
    options.add_range(parser)
    options.add(parser, "client.quorum")
    parser.add_argument("--explain", action="store_true", help="tell who was asked, on stderr")
    options.add(parser, "client.key")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave get`."""
    key = options.key_for_name(args)
    return options.with_own_key(args, key, partial(_get, args))


def _get(args: Namespace, key: Any) -> int:
    if args.range is not None:
        return _file(args, key)
    with options.client(args, key) as client:
        try:
            found = client.get(args.name, timeout=args.timeout, quorum=args.quorum, limit=0)
        except IsFile as error:
            found = error
        finally:
            if args.explain:
                from dave_cli.explain import print_trace

                print_trace(client.trace)
    # A file is read with another driver, which works on several cores.
    if isinstance(found, IsFile):
        return _file(args, key, found.found)
    return _print(args, found)


def _print(args: Namespace, found: Any) -> int:
    if found is None:
        print(f"dave: nothing stands under {split_link(args.name)[0]}", file=sys.stderr)
        return 1
    if args.out is not None:
        from dave.edge.files.target import write_whole

        write_whole(args.out, found.digest.hex(), found.value)
    if args.json:
        print(json.dumps(_as_json(found, args.out is None)))
    elif args.out is None:
        sys.stdout.buffer.write(found.value)
        if getattr(args, "session", None) is not None and found.value[-1:] != b"\n":
            sys.stdout.buffer.write(b"\n")  # what comes next in `dave shell` has its own line
        sys.stdout.buffer.flush()
    if not args.json and sys.stderr.isatty():
        from dave_cli.lifetime import time_left

        print(f"expires in {time_left(found.expires)}", file=sys.stderr)
    return 0


def _file(args: Namespace, key: Any, found: Any = None) -> int:
    from dave_cli.files import fetch

    if args.json and args.out is None:
        raise UsageError("--json has no room for a file: give --out PATH")
    return fetch(args, key, args.out, found)


def _as_json(found: Any, with_value: bool) -> dict[str, Any]:
    from base64 import b64encode

    from dave.uri import owner_name

    return {
        "uri": found.uri,
        "owner": owner_name(found.owner),
        "key": found.key.decode("utf-8", "backslashreplace"),
        "value": b64encode(found.value).decode() if with_value else None,
        "time": found.time,
        "digest": found.digest.hex(),
        "expires": found.expires,
        "compressed": found.compressed,
        "replicas": found.replicas,
        "seconds": round(found.seconds, 6),
    }
