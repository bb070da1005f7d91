"""`dave fetch`: what a link leads to, into a file or folder of its name."""

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from dave.errors import UsageError
from dave.uri import parse_name, split_link
from dave_cli import options

EPILOG = """\
examples:
  dave fetch 'dave://OWNER/KEY#LINK'             what its owner shares with you
  dave fetch dave://OWNER/films/one --out f.mkv
A link has the key after its #: quote it, and give it only to whom it is for.
Interrupted, the same command goes on.
Exit code 1: absent, or too little of it can be found; 3: no node answers."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave fetch`."""
    parser.add_argument("name", metavar="LINK", help="a link, or dave://OWNER/KEY, or KEY")
    parser.add_argument(
        "--out", metavar="PATH", type=Path,
        help="where to write the file or folder (default: here, under the last part of its key)",
    )  # fmt: skip
    options.add(parser, "client.quorum")
    options.add_range(parser)
    options.add(parser, "client.key")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave fetch`."""
    from dave_cli.files import fetch

    path = args.out or default_path(args.name)
    return options.with_own_key(args, options.key_for_name(args), partial(fetch, args, path=path))


def default_path(name: str) -> Path:
    """A path in this folder, from the last part of the key. Raises UsageError where there is no
    such name, or something has it. Hidden files are what programs read unasked, so that no stranger
    names one."""
    key = parse_name(split_link(name)[0])[1]
    last = key.rstrip(b"/").rpartition(b"/")[2].decode("utf-8", "surrogateescape")
    if not last or last[0] == "." or any(char < " " or char == "\x7f" for char in last):
        raise UsageError(f"its key, {key!r}, is no name for a file: give --out PATH")
    path = Path(last)
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} is there already: give --out PATH (which replaces a file)")
    return path
