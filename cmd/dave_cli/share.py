"""`dave share`: put something that only a link opens, and print the link."""

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from dave.edge.limits import MAX_WORK_DEFAULT
from dave.errors import UsageError
from dave.uri import format_link, parse_name
from dave.wire.entry import check_put
from dave_cli import keep, options
from dave_cli.put import report

EPILOG = """\
examples:
  dave share photos/                     prints dave://OWNER/photos#LINK
  dave fetch 'dave://OWNER/photos#LINK'  for whoever was given the link
Nodes see neither content nor key. `dave rm photos` deletes it; copies that
others made cannot be recalled, and a link cannot be taken back."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave share`."""
    parser.add_argument("path", metavar="PATH", help="a file or a folder")
    parser.add_argument("--name", metavar="KEY", help="under which key (default: the file's name)")
    options.add(parser, "client.ttl")
    parser.add_argument("--code", metavar="K/N", help="as in `dave put`")
    options.add(parser, "client.unlisted")
    keep.add_put_options(parser)
    options.add(parser, "client.key")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave share`."""
    from dave_cli.put_file import put_content

    name = os.fsencode(args.name if args.name is not None else Path(args.path).resolve().name)
    if name[:7].lower() == b"dave://":
        raise UsageError("--name takes a key of yours, not a name with its owner")
    _, name = parse_name(os.fsdecode(name))
    check_put(name, b"", args.ttl)
    os.stat(args.path)  # before the first put makes a key
    key = options.owner_key(args, make=True)
    args.private, args.random_key, args.cas = True, False, None
    args.max_work = MAX_WORK_DEFAULT
    if args.keep:
        keep.consent(args, key)
    receipt = put_content(args, key, name, args.path)
    link = format_link(key.owner, name, key.private_key(name))
    if args.json:
        print(json.dumps({"link": link, "uri": receipt.uri, "size": receipt.size,
                          "expires": receipt.expires}))  # fmt: skip
    else:
        report(receipt, as_json=False, name=link)
    if args.keep:
        keep.hand_over(args, key, receipt)
    return 0
