"""`dave put`: the URI goes to standard output, the receipt to standard error."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from dave.edge.limits import MAX_WORK_DEFAULT
from dave.errors import NotListed, NotStored, UsageError
from dave.limits import INFLATED_BYTES_MAX, TTL_SECONDS_DEFAULT
from dave.uri import parse_name
from dave.wire.compression import compressed
from dave.wire.entry import check_put
from dave_cli import options
from dave_cli.progress import WorkProgress

EPILOG = """\
  dave put greeting hello
  dave put greeting --file note.txt --ttl 12h
  date | dave put now --file -
The first put makes your key. Exit code 1: stored by too few nodes; 3: no node answers."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave put`."""
    parser.add_argument("name", metavar="KEY", help="1 to 255 bytes, or your own dave://OWNER/KEY")
    parser.add_argument("value", metavar="VALUE", nargs="?", help="text; or give --file")
    parser.add_argument("--file", metavar="PATH", help="read the value from a file, or - for stdin")
    parser.add_argument(
        "--ttl", metavar="TIME", type=options.duration, default=TTL_SECONDS_DEFAULT,
        help="lifetime, such as 90s, 12h, 30d (default: 30d; at most 366d)",
    )  # fmt: skip
    parser.add_argument(
        "--cas", metavar="TIME", type=int,
        help="only if the version that stands has this time (see `get --json`); 0: only if none",
    )  # fmt: skip
    parser.add_argument(
        "--max-work", metavar="HASHES", type=options.count, default=MAX_WORK_DEFAULT,
        help="most hashes to spend where nodes are full and ask for more",
    )  # fmt: skip
    parser.add_argument(
        "--unlisted", action="store_true", help="leave the name out of your directory (`dave ls`)"
    )
    parser.add_argument("--explain", action="store_true", help="tell who was asked, on stderr")
    options.add_key(parser)
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave put`."""
    value = _value(args)
    owner, name = parse_name(args.name)
    check_put(name, value, args.ttl, compressed(value))  # before the first put makes a key
    key = options.owner_key(args, make=True)
    if owner not in (None, key.owner):
        raise UsageError("only the owner can put this name; give --key with the owner's key")
    with options.client(args, key) as client:
        progress = WorkProgress()
        try:
            receipt = client.put(
                name, value, ttl=args.ttl, cas=args.cas, timeout=args.timeout,
                max_work=args.max_work, progress=progress, listed=not args.unlisted,
            )  # fmt: skip
            client.flush(wait=False)  # the directory is written while the last nodes answer
            receipt.settled()
        except NotStored as error:
            progress.close()
            report(error.receipt, args.json)
            print(f"dave: {error}", file=sys.stderr)
            return 1
        finally:
            progress.close()
            if args.explain:
                from dave_cli.explain import print_trace

                print_trace(client.trace)
        report(receipt, args.json)
        finish_directory(client)
    return 0


def finish_directory(client: Any) -> None:
    """See that the directory says so too; what was put is put, whatever comes of that."""
    sys.stdout.flush()
    try:
        client.flush()
    except NotListed as error:
        print(f"dave: warning: {error}", file=sys.stderr)


def report(receipt: Any, as_json: bool) -> None:
    """Print what a put can say for itself."""
    if as_json:
        print(json.dumps(_as_json(receipt)))
        return
    print(receipt.uri)
    left = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(receipt.expires))
    print(
        f"stored by {receipt.stored} of {receipt.asked} nodes in {receipt.seconds * 1000:.0f} ms, "
        f"until {left} ({receipt.work_hashes:,} hashes of work)",
        file=sys.stderr,
    )
    for address, reason, detail in receipt.refused:
        print(f"  {address}: {_explain(reason, detail)}", file=sys.stderr)


def _explain(reason: str, detail: int) -> str:
    """Why a node refused, and what to do."""
    if reason == "future":
        ahead = time.time() - detail / 1000
        return f"future: this machine's clock is {ahead:,.0f} s ahead of the node's: set it right"
    texts = {
        "low_work": f"it asks {detail:,} hashes of work",
        "low_rank": f"it is full; {detail} bits of work more would do (--max-work)",
        "over_share": f"it is full and you fill your share; {detail} bits of work more would do",
        "expired": "by its clock the lifetime is over, or a later version was; check both clocks",
        "read_only": "it cannot write to its disk and serves reads only",
        "no_answer": "it did not answer",
        "busy": "too many puts wait there; try again a little later",
    }
    return f"{reason}: {texts[reason]}" if reason in texts else reason


def _as_json(receipt: Any) -> dict[str, Any]:
    from dave.uri import owner_name

    return {
        "uri": receipt.uri,
        "owner": owner_name(receipt.owner),
        "key": receipt.key.decode("utf-8", "backslashreplace"),
        "digest": receipt.digest.hex(),
        "time": receipt.time,
        "stored": receipt.stored,
        "asked": receipt.asked,
        "replicas": receipt.replicas,
        "refused": [refusal._asdict() for refusal in receipt.refused],
        "expires": receipt.expires,
        "work_hashes": receipt.work_hashes,
        "seconds": round(receipt.seconds, 6),
    }


def _value(args: Namespace) -> bytes:
    if (args.value is None) == (args.file is None):
        raise UsageError("give either a VALUE or --file PATH")
    if args.value is not None:
        text: str = args.value
        return text.encode("utf-8", "surrogateescape")
    # A byte more than fits is enough to say that it does not.
    limit = INFLATED_BYTES_MAX + 1
    if args.file == "-":
        return sys.stdin.buffer.read(limit)
    with Path(args.file).open("rb") as file:
        return file.read(limit)
