"""Options that several commands share, and what they mean."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dave.edge.limits import PORT_DEFAULT, TIMEOUT_SECONDS_DEFAULT
from dave.errors import UsageError, WrongKey
from dave.limits import NETWORK_NAME_DEFAULT, TTL_SECONDS_DEFAULT

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def add_network(parser: ArgumentParser) -> None:
    """--network and --secret-file."""
    parser.add_argument(
        "--network", metavar="NAME", default=NETWORK_NAME_DEFAULT,
        help=f"the network's name (default: {NETWORK_NAME_DEFAULT})",
    )  # fmt: skip
    parser.add_argument(
        "--secret-file", metavar="FILE", type=Path,
        help="the network's secret, from `dave keygen --network`",
    )  # fmt: skip


def add_client(parser: ArgumentParser) -> None:
    """What all commands that talk to the network as a client take."""
    parser.add_argument(
        "--edge", metavar="HOST:PORT", action="append", default=[],
        help="a node to talk to, may be repeated; HOST:PORT#NODEKEY pins its key "
        "(default: DAVE_EDGE, the node running here, 127.0.0.1:1424)",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=TIMEOUT_SECONDS_DEFAULT,
        help=f"how long the network may take (default: {TIMEOUT_SECONDS_DEFAULT:g})",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_network(parser)


def add_key(parser: ArgumentParser) -> None:
    """--key."""
    parser.add_argument(
        "--key", metavar="FILE", type=Path,
        help="the owner's key (default: owner.key in the configuration folder)",
    )  # fmt: skip


def add_range(parser: ArgumentParser) -> None:
    """--range."""
    parser.add_argument(
        "--range", metavar="A-B",
        help="only these bytes: 0-999, 1000- (all after), -1000 (the last); both ends included",
    )  # fmt: skip


def add_quorum(parser: ArgumentParser) -> None:
    """--quorum."""
    parser.add_argument(
        "--quorum", metavar="N", type=count, default=2,
        help="how many nodes must return the same version (default: 2)",
    )  # fmt: skip


def add_ttl(parser: ArgumentParser) -> None:
    """--ttl."""
    parser.add_argument(
        "--ttl", metavar="TIME", type=duration, default=TTL_SECONDS_DEFAULT,
        help="lifetime, such as 90s, 12h, 30d (default: 30d; at most 366d)",
    )  # fmt: skip


def add_unlisted(parser: ArgumentParser) -> None:
    """--unlisted."""
    parser.add_argument(
        "--unlisted", action="store_true", help="leave the name out of your directory (`dave ls`)"
    )


def add_data(parser: ArgumentParser) -> None:
    """--data."""
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="the node's folder (default: the user's data folder)",
    )


def config_folder() -> Path:
    """Where the owner's key lives."""
    import platformdirs

    return Path(platformdirs.user_config_dir("dave", appauthor=False))


def data_folder(args: Namespace) -> Path:
    """The node's folder: --data, or the user's data folder."""
    given: Path | None = getattr(args, "data", None)
    if given is not None:
        return given
    import platformdirs

    return Path(platformdirs.user_data_dir("dave", appauthor=False))


def edges(args: Namespace) -> list[str]:
    """Whom to talk to: --edge, DAVE_EDGE, the node running here, 127.0.0.1:1424."""
    if args.edge:
        return list(args.edge)
    if os.environ.get("DAVE_EDGE"):
        return os.environ["DAVE_EDGE"].split()
    sock = data_folder(args) / "control.sock"
    if sock.exists():
        from dave.edge.control import ask

        try:
            return [str(ask(sock, "address")["address"])]
        except (OSError, UsageError):
            pass  # A node that has died leaves its socket behind.
    return [f"127.0.0.1:{PORT_DEFAULT}"]


def secret(args: Namespace) -> bytes:
    """The network's secret; empty without --secret-file."""
    if args.secret_file is None:
        return b""
    from dave.edge.keyfile import load_network_secret

    return load_network_secret(args.secret_file, ask_passphrase(args.secret_file))


def owner_key(args: Namespace, *, make: bool = False) -> Any:
    """The owner's key, or None if there is no file and none was named. `make`: make it then."""
    from dave.edge.keyfile import Key

    path = args.key or config_folder() / "owner.key"
    session = getattr(args, "session", None)
    if session is not None and (known := session.owner_key(path)):
        return known
    if not path.exists() and args.key is None:
        if not make:
            return None
        key = Key.generate()
        key.save(path)
        print(f"made your key: {path} (keep a copy: it alone can change what you put)",
              file=sys.stderr)  # fmt: skip
    else:
        key = Key.load(path, ask_passphrase(path))
    if session is not None:
        session.keep_key(path, key)
    return key


def key_for_name(args: Namespace) -> Any:
    """The owner's key that NAME needs: none where it names its owner itself."""
    return None if args.name[:7].lower() == "dave://" else owner_key(args)


def with_own_key(args: Namespace, key: Any, action: Callable[[Any], int]) -> int:
    """`action(key)`, and where the value turns out to be private and NAME (not a link) to be one's
    own, again with the owner's key: the others need none, and it may have a passphrase."""
    from dave.uri import parse_name, split_link

    try:
        return action(key)
    except WrongKey:
        name, link = split_link(args.name)
        own = owner_key(args) if key is None and link is None else None
        if own is None or own.owner != parse_name(name)[0]:
            raise
        return action(own)


def ask_passphrase(path: Path) -> Any:
    """A callable that asks at the terminal when a key file turns out to be wrapped."""

    def ask() -> str:
        from getpass import getpass

        if "DAVE_PASSPHRASE" in os.environ:
            return os.environ["DAVE_PASSPHRASE"]
        if not sys.stdin.isatty():
            raise UsageError(f"{path} has a passphrase: set DAVE_PASSPHRASE, or use a terminal")
        return getpass(f"Passphrase of {path}: ")

    return ask


def client(args: Namespace, key: Any = None) -> Any:
    """A blocking client as the options say, for a `with`; in `dave shell` commands share it."""
    from dave.edge.connect import connect_sync

    opening = partial(connect_sync, edges(args), key=key, network=args.network, secret=secret(args))
    session = getattr(args, "session", None)
    return opening() if session is None else session.client(opening)


def async_client(args: Namespace, key: Any = None) -> Any:
    """An asyncio client as the options say, to be entered by `async with`."""
    from dave.edge.connect import connect

    return connect(edges(args), key=key, network=args.network, secret=secret(args))


def seconds(text: str) -> float:
    """A time-out: seconds, above 0 and at most a day."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise ArgumentTypeError(f"{text!r} is no time in seconds")
    return value


def count(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isascii() or not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def duration(text: str) -> int:
    """A lifetime: 90, 90s, 15m, 12h, 30d, 4w, 1y; in seconds. Its range is the entry's to check."""
    number, unit = (text[:-1], text[-1:]) if text[-1:].lower() in UNITS else (text, "s")
    try:
        return int(float(number) * UNITS[unit.lower()])
    except (ValueError, OverflowError):
        raise ArgumentTypeError(
            f"{text!r} is no lifetime: write a number and s, m, h, d, w or y, such as 30d"
        ) from None


def size(text: str) -> int:
    """A size in bytes: 500M, 2G, 1048576."""
    plain = text.upper().removesuffix("B").removesuffix("I")
    number, unit = (plain[:-1], plain[-1:]) if plain[-1:] in "KMGT" else (plain, "")
    try:
        return int(float(number) * SIZES[unit])
    except (ValueError, KeyError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is no size: write 500M or 2G") from None
