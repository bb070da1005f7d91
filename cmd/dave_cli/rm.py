"""`dave rm`: retract a key."""

from argparse import ArgumentParser, Namespace

from dave.errors import NotStored, UsageError
from dave.uri import parse_name
from dave_cli import keep, options
from dave_cli.progress import WorkProgress
from dave_cli.put import finish_directory, report

EPILOG = """\
examples:
  dave rm greeting
A signed tombstone takes the entry's place for 366 days. Copies that others made
cannot be recalled. If the node here renews it (dave keep), it stops, and its
copy of your key goes with its last entry.
Exit code 1: told to too few nodes; 3: no node answers."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave rm`."""
    parser.add_argument("name", metavar="KEY", help="one of your keys")
    options.add(parser, "client.key", "node.data")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave rm`."""
    key = options.owner_key(args)
    if key is None:
        raise UsageError("you have no key yet, so there is nothing of yours to delete")
    owner, name = parse_name(args.name)
    if owner not in (None, key.owner):
        raise UsageError("only the owner can delete an entry; give --key with the owner's key")
    with options.client(args, key) as client:
        progress = WorkProgress()
        try:
            receipt = client.delete(name, timeout=args.timeout, progress=progress)
            client.flush(wait=False)
            receipt.settled()
        except NotStored as error:
            progress.close()
            report(error.receipt, args.json)
            raise
        progress.close()
        report(receipt, args.json)
        finish_directory(client)
        keep.look_again(args, receipt)
    return 0
