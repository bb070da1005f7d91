"""`dave get`: the raw value goes to standard output, nothing else."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from dave_cli import options

EPILOG = """\
  dave get greeting                     your own key
  dave get dave://OWNER/KEY             anybody's
Exit code 1: absent; 3: no node answers."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave get`."""
    parser.add_argument("name", metavar="NAME", help="KEY, or dave://OWNER/KEY")
    parser.add_argument("--out", metavar="PATH", type=Path, help="write the value to a file")
    parser.add_argument(
        "--quorum", metavar="N", type=options.count, default=2,
        help="how many nodes must return the same version (default: 2)",
    )  # fmt: skip
    parser.add_argument("--explain", action="store_true", help="tell who was asked, on stderr")
    options.add_key(parser)
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave get`."""
    with options.client(args, options.key_for_name(args)) as client:
        try:
            found = client.get(args.name, timeout=args.timeout, quorum=args.quorum)
        finally:
            if args.explain:
                from dave_cli.explain import print_trace

                print_trace(client.trace)
    if found is None:
        print(f"dave: nothing stands under {args.name}", file=sys.stderr)
        return 1
    if args.out is not None:
        args.out.write_bytes(found.value)
    if args.json:
        print(json.dumps(_as_json(found, args.out is None)))
    elif args.out is None:
        sys.stdout.buffer.write(found.value)
        sys.stdout.buffer.flush()
    return 0


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
