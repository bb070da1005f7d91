"""`dave keygen`: make an owner's key or a network's secret."""

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from dave.edge.user_folders import config_folder
from dave.errors import UsageError

EPILOG = """\
examples:
  dave keygen                        your key, where `dave put` looks for it
  dave keygen --out work.key --passphrase
  dave keygen --network --out net.secret
                                     then: dave run --secret-file net.secret"""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave keygen`."""
    parser.add_argument("--out", metavar="FILE", type=Path, help="where to write it")
    parser.add_argument("--network", action="store_true", help="make a network's secret instead")
    parser.add_argument(
        "--passphrase", action="store_true",
        help="wrap it with a passphrase (asked for, or from DAVE_PASSPHRASE)",
    )  # fmt: skip


def main(args: Namespace) -> int:
    """Run `dave keygen`."""
    from dave.edge import keyfile

    passphrase = _new_passphrase() if args.passphrase else None
    if args.network:
        out = args.out or Path("network.secret")
        keyfile.save_network_secret(out, keyfile.make_network_secret(), passphrase)
        print(out)
        print("give it to every node and client: --secret-file", out, file=sys.stderr)
        return 0
    out = args.out or config_folder() / "owner.key"
    key = keyfile.Key.generate()
    key.save(out, passphrase)
    print(key.name)
    print(f"written to {out}; keep a copy: it alone can change what you put", file=sys.stderr)
    return 0


def _new_passphrase() -> str:
    from getpass import getpass

    if "DAVE_PASSPHRASE" in os.environ:
        return os.environ["DAVE_PASSPHRASE"]
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask for a passphrase: set DAVE_PASSPHRASE")
    first = getpass("New passphrase: ")
    if not first or first != getpass("Again: "):
        raise UsageError("the passphrases are empty or differ; nothing was written")
    return first
