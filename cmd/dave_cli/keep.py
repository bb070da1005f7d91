"""`dave keep`, and the option --keep of `dave put` and `dave share`: entries and files that the
node on this machine renews.

The node needs a copy of the owner's key for that. It gets one only after the owner said yes.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from typing import Any

from dave.edge.limits import RENEWAL_TTL_SECONDS_MIN
from dave.errors import Unreachable, UsageError
from dave.uri import parse_name
from dave_cli import options
from dave_cli.lifetime import time_left

EPILOG = """\
examples:
  dave keep ls                       what is renewed, and whose keys are there
  dave keep rm greeting              renew it no more; the last one of an owner
                                     destroys the node's copy of the key
  dave keep rm --all
`dave put KEY VALUE --keep` adds to the list, and so do files:
`dave put KEY --file PATH --keep`."""

_PATIENCE_SECONDS = 30.0


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave keep`."""
    parser.add_argument("action", metavar="ls|rm", choices=("ls", "rm"), help="list, or take back")
    parser.add_argument("name", metavar="NAME", nargs="?", help="KEY, or dave://OWNER/KEY")
    parser.add_argument("--all", action="store_true", help="with rm: all entries and all keys")
    options.add(parser, "node.data")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def main(args: Namespace) -> int:
    """Run `dave keep`."""
    if args.action == "ls":
        if args.name is not None or args.all:
            raise UsageError("`dave keep ls` takes no name")
        return _list(args)
    if (args.name is None) != args.all:
        raise UsageError("say what: `dave keep rm NAME`, or `dave keep rm --all`")
    return _remove(args)


def _list(args: Namespace) -> int:
    answer = _ask(args, "kept")
    if args.json:
        print(json.dumps(answer))
        return 0
    if not answer["kept"]:
        print("nothing is renewed; `dave put KEY VALUE --keep` adds an entry")
    for row in answer["kept"]:
        if row["standing"] == "kept":
            text = f"expires in {time_left(row['expires'])}, renewed in {time_left(row['due'])}"
            if row["tries"]:
                text += f" (tried {row['tries']} times: {row['note']})"
        else:
            text = f"{row['standing']}: {row['note']}"
        print(f"{row['uri']}  {text}")
    for owner in answer["keys"]:
        print(f"the node has the key of {owner}")
    return 0


def _remove(args: Namespace) -> int:
    details: dict[str, Any] = {"all": True}
    if args.name is not None:
        owner, key = parse_name(args.name)
        details = {"key": key.hex(), "owner": owner.hex() if owner else None}
    answer = _ask(args, "forget", **details)
    if args.json:
        print(json.dumps(answer))
        return 0
    for uri in answer["forgotten"]:
        print(f"{uri} is renewed no more")
    for owner in answer["destroyed"]:
        print(f"the node's copy of the key of {owner} is destroyed")
    return 0


# --- --keep of dave put and dave share ------------------------------------------------------------


def add_put_options(parser: ArgumentParser) -> None:
    """--keep, --yes and --data of `dave put` and `dave share`."""
    parser.add_argument(
        "--keep", action="store_true",
        help="have the node on this machine put it again before it expires; for that the node "
        "gets a copy of your key",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="with --keep: do not ask")
    options.add(parser, "node.data")


def consent(args: Namespace, key: Any) -> None:
    """Before anything is put: is there a node that could keep it, and may it have the key? Raises
    Unreachable or UsageError."""
    status = _ask(args, "status")
    if status["network"] != args.network:
        raise UsageError(
            f"the node here belongs to the network {status['network']}, so that it cannot keep "
            f"an entry of {args.network}: leave out --keep, or give --data"
        )
    if args.ttl < RENEWAL_TTL_SECONDS_MIN:
        raise UsageError(f"--keep takes a --ttl from {RENEWAL_TTL_SECONDS_MIN} s on")
    if args.yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "--keep gives the node on this machine a copy of your key: add --yes to agree"
        )
    folder = options.data_folder(args)
    print(
        f"The node of {folder} gets a copy of your key, {key.name}.\n"
        f"It is kept without a passphrase in {folder / 'kept'} until `dave keep rm`;\n"
        "with it, whoever can read that folder can change and delete all that you put.",
        file=sys.stderr,
    )
    print("Give it the key? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was put: put it without --keep, or agree")


def hand_over(args: Namespace, key: Any, receipt: Any) -> None:
    """Give the node what it needs. Raises UsageError, Unreachable."""
    row = _ask(args, "keep", seed=key.seed.hex(), entry=receipt.encoded.hex(), ttl=args.ttl)
    if not args.json:
        print(f"kept: renewed in {time_left(row['due'])}; see `dave keep ls`", file=sys.stderr)


def look_again(args: Namespace, receipt: Any) -> None:
    """Have the node on this machine, if one runs here, see at once what has become of an entry, in
    case it renews it: a key that nothing is left to renew with is destroyed."""
    with suppress(Unreachable, UsageError):
        _ask(args, "look", key=receipt.key.hex(), owner=receipt.owner.hex())


def _ask(args: Namespace, question: str, **details: Any) -> dict[str, Any]:
    from dave.edge.control import ask, no_answer

    path = options.data_folder(args) / "control.sock"
    try:
        return ask(path, question, patience=_PATIENCE_SECONDS, **details)
    except OSError as error:
        raise no_answer(path, error) from None
