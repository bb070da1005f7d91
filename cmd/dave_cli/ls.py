"""`dave ls`: the names that an owner has, from the owner's directory."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace

from dave.edge.fields import name_fields
from dave.errors import Incomplete, UsageError
from dave.uri import SCHEME, owner_name, parse_owner
from dave_cli import options
from dave_cli.lifetime import time_left

EPILOG = """\
examples:
  dave ls                            your names
  dave ls OWNER --prefix notes/      anybody's, some of them
Shows bytes, time left and name. What was put with --unlisted is not there.
Exit code 1: no names, or more than can be read, which is said; 3: no node
answers."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave ls`."""
    parser.add_argument("owner", metavar="OWNER", nargs="?", help="52 characters, or dave://OWNER")
    parser.add_argument("--prefix", metavar="P", default="", help="only names that begin with P")
    options.add(parser, "client.key")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave ls`."""
    if args.owner is not None:
        name = args.owner.removeprefix(SCHEME).removesuffix("/")
        owner = parse_owner(name)
    else:
        key = options.owner_key(args)
        if key is None:
            raise UsageError("you have no key yet, so no names; give an OWNER to see another's")
        owner = key.owner
    with options.client(args) as client:
        cut = None
        try:
            names = client.ls(owner, _bytes(args.prefix), timeout=args.timeout)
        except Incomplete as error:
            names, cut = error.part, error
    now = time.time()
    if args.json:
        for name in names:
            print(json.dumps(name_fields(name, now)))
    else:
        width = max((len(f"{name.size:,}") for name in names), default=0)
        for name in names:
            print(f"{name.size:>{width},}  {time_left(name.expires, now):>4}  {shown(name.key)}")
    if cut is not None:
        raise cut
    if not names:
        about = f" that begin with {args.prefix!r}" if args.prefix else ""
        print(f"dave: {owner_name(owner)} has no listed names{about}", file=sys.stderr)
        return 1
    return 0


def shown(key: bytes) -> str:
    """A name on a terminal: what is not printable or not UTF-8 is escaped, a backslash too."""
    text = key.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
