"""`dave put`: the URI goes to standard output, the receipt to standard error."""

import json
import os
import stat
import sys
import time
from argparse import ArgumentParser, Namespace
from io import BytesIO
from typing import Any, NamedTuple

from dave.edge.fields import receipt_fields
from dave.edge.limits import MAX_WORK_DEFAULT
from dave.errors import NotListed, NotStored, UsageError
from dave.limits import INFLATED_BYTES_MAX
from dave.uri import parse_name
from dave.wire.compression import in_entry
from dave.wire.entry import check_put
from dave_cli import keep, options
from dave_cli.progress import WorkProgress

EPILOG = """\
examples:
  dave put greeting hello
  dave put greeting --file note.txt --ttl 12h
  date | dave put now --file -
  dave put photos --file holiday/    files and folders of any size; interrupted,
                                     the same command goes on
  dave put greeting hello --keep     the node here puts it again in time
The first put makes your key. It prints the name by which everybody can read
it, dave://OWNER/KEY. Exit code 1: stored by too few nodes; 3: no node answers."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave put`."""
    parser.add_argument("name", metavar="KEY", help="1 to 255 bytes, or your own dave://OWNER/KEY")
    parser.add_argument("value", metavar="VALUE", nargs="?", help="text; or give --file")
    parser.add_argument("--file", metavar="PATH", help="read the value from a file, or - for stdin")
    options.add(parser, "client.ttl")
    parser.add_argument(
        "--cas", metavar="TIME", type=int,
        help="only if the version that stands has this time (see `get --json`); 0: only if none",
    )  # fmt: skip
    parser.add_argument(
        "--max-work", metavar="HASHES", type=options.count, default=MAX_WORK_DEFAULT,
        help="most hashes to spend where nodes are full and ask for more",
    )  # fmt: skip
    options.add(parser, "client.unlisted")
    parser.add_argument(
        "--private", action="store_true",
        help="seal it: only your key opens it (see `dave share`)",
    )  # fmt: skip
    parser.add_argument(
        "--code", metavar="K/N",
        help="for what does not fit an entry: in N shares at N nodes, any K of which suffice "
        "(default: 4/6 from 6 nodes on, 10/14 from 14 on)",
    )  # fmt: skip
    parser.add_argument(
        "--random-key", action="store_true",
        help="share nothing with what else you have put: equal files are stored twice",
    )  # fmt: skip
    keep.add_put_options(parser)
    parser.add_argument("--explain", action="store_true", help="tell who was asked, on stderr")
    options.add(parser, "client.key")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave put`."""
    owner, name = parse_name(args.name)
    check_put(name, b"", args.ttl)  # before the first put makes a key
    content = _content(args, name)
    key = options.owner_key(args, make=True)
    if owner not in (None, key.owner):
        raise UsageError("only the owner can put this name; give --key with the owner's key")
    if args.keep:
        keep.consent(args, key)
    if isinstance(content, Small):
        return _put_value(args, key, name, content.value)
    from dave_cli.put_file import put_content

    try:
        receipt = put_content(args, key, name, content)
    except NotStored as error:
        if error.receipt is not None:
            report(error.receipt, args.json)
        raise
    report(receipt, args.json)
    if args.keep:
        keep.hand_over(args, key, receipt)
    return 0


def _put_value(args: Namespace, key: Any, name: bytes, value: bytes) -> int:
    """Put what fits an entry."""
    with options.client(args, key) as client:
        progress = WorkProgress()
        try:
            receipt = client.put(
                name, value, ttl=args.ttl, cas=args.cas, timeout=args.timeout,
                max_work=args.max_work, progress=progress, listed=not args.unlisted,
                private=args.private,
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
        if args.keep:
            keep.hand_over(args, key, receipt)
    return 0


def finish_directory(client: Any) -> None:
    """See that the directory says so too; what was put is put, whatever comes of that."""
    sys.stdout.flush()
    try:
        client.flush()
    except NotListed as error:
        print(f"dave: warning: {error}", file=sys.stderr)


def report(receipt: Any, as_json: bool, name: str | None = None) -> None:
    """Print what a put can say for itself. name: what to print in place of its URI."""
    is_file = hasattr(receipt, "file")
    if as_json:
        print(json.dumps(receipt_fields(receipt)))
        return
    print(receipt.uri if name is None else name)
    if is_file:
        from dave_cli.put_file import report_file

        report_file(receipt)
        return
    left = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(receipt.expires))
    print(
        f"stored by {receipt.stored} of {receipt.asked} nodes in {receipt.seconds * 1000:.0f} ms, "
        f"until {left} ({receipt.work_hashes:,} hashes of work)",
        file=sys.stderr,
    )
    for address, reason, detail in receipt.refused:
        print(f"  {address}: {_explain(reason, detail)}", file=sys.stderr)
    if receipt.released is not None:
        from dave_cli.put_file import released_text

        print(released_text(receipt.released), file=sys.stderr)


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


class Small(NamedTuple):
    """A value that fits an entry."""

    value: bytes


def _content(args: Namespace, name: bytes) -> Any:
    """What to put: Small, or what `put_file` takes."""
    if (args.value is None) == (args.file is None):
        raise UsageError("give either a VALUE or --file PATH")
    if args.value is not None:
        text: str = args.value
        value = text.encode("utf-8", "surrogateescape")
        if in_entry(name, value, args.private) is not None:
            return Small(value)
        return BytesIO(value)
    if args.file != "-" and os.path.isdir(args.file):
        return args.file
    # A byte more than fits is enough to say that it does not.
    limit = INFLATED_BYTES_MAX + 1
    where = 0 if args.file == "-" else args.file
    file: Any = open(where, "rb", buffering=0, closefd=bool(where))  # noqa: SIM115
    head = b""
    while len(head) < limit and (piece := file.read(limit - len(head))):
        head += piece
    if in_entry(name, head, args.private) is not None:
        file.close()
        return Small(head)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode) and args.file != "-":
        file.close()
        return args.file
    from dave.edge.files.source import Begun

    return Begun(head, file)
