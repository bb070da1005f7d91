"""Options that several commands share, and what they mean."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dave.edge import kinds, user_folders
from dave.edge.kinds import SWITCH
from dave.edge.limits import PORT_DEFAULT
from dave.edge.settings import SETTINGS, Chosen, load
from dave.errors import UsageError, WrongKey


def add(parser: ArgumentParser, *names: str, **changes: Any) -> None:
    """The options of some settings (dave/edge/settings.py), and those that set any. `changes` are
    for argparse. What is not given is filled in by `resolve`."""
    for name in names:
        setting = SETTINGS[name]
        kind = setting.kind
        how: dict[str, Any] = {"help": f"{setting.help} (default: {setting.default_words})"}
        if kind is SWITCH:
            how["action"] = BooleanOptionalAction
        else:
            how |= {"metavar": setting.metavar, "type": typed(kind.parse)}
            if kind.choices:
                how |= {"choices": kind.choices, "type": str}
            if kind.is_list:
                how["action"] = "append"
        parser.add_argument(setting.flag, **how | changes, default=None)
    depends(parser, *names)


def depends(parser: ArgumentParser, *names: str) -> None:
    """Have `resolve` fill in settings, whether there are options for them or not."""
    known: tuple[str, ...] | None = parser.get_default("settings")
    if known is None:
        add_config(parser)
    parser.set_defaults(settings=(*(known or ()), *names))


def add_config(parser: ArgumentParser) -> None:
    """--config and --set."""
    parser.add_argument(
        "--config", metavar="FILE", type=Path,
        help="the configuration file (default: DAVE_CONFIG, config.toml in the configuration "
        "folder); see `dave config`",
    )  # fmt: skip
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append",
        help="any setting, such as tuning.replicas=5; may be repeated",
    )  # fmt: skip


def resolve(args: Namespace) -> Namespace:
    """Fill in what the command line left open, from the environment and the configuration file.
    Raises UsageError for what these say wrong."""
    settings = args.chosen = load(args.config)
    for warning in settings.warnings if getattr(args, "session", None) is None else ():
        print(f"dave: warning: {warning}", file=sys.stderr)
    for assignment in args.set or ():
        settings.assign(assignment)
    for name in getattr(args, "settings", ()):
        option = _dest(name)
        given = getattr(args, option, None)
        if given is None:
            setattr(args, option, settings[name])
        else:
            settings.choose(name, Chosen(given, "flag", SETTINGS[name].flag))
    return args


def _dest(name: str) -> str:
    """Where argparse puts the option of a setting."""
    return SETTINGS[name].flag.lstrip("-").replace("-", "_")


def add_network(parser: ArgumentParser) -> None:
    """--network and --secret-file."""
    add(parser, "network.name", "network.secret_file")


def add_client(parser: ArgumentParser) -> None:
    """What all commands that talk to the network as a client take."""
    add(parser, "client.edge", "client.timeout")
    depends(parser, "node.data")  # where the node running here is found
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_network(parser)


def add_range(parser: ArgumentParser) -> None:
    """--range."""
    parser.add_argument(
        "--range", metavar="A-B",
        help="only these bytes: 0-999, 1000- (all after), -1000 (the last); both ends included",
    )  # fmt: skip


def data_folder(args: Namespace) -> Path:
    """The node's folder: --data, or the user's data folder."""
    return user_folders.data_folder(getattr(args, "data", None))


def edges(args: Namespace) -> list[str]:
    """Whom to talk to: --edge, DAVE_EDGE, the configuration, the node running here,
    127.0.0.1:1424."""
    if args.edge:
        return list(args.edge)
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

    path = args.key or user_folders.config_folder() / "owner.key"
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

    opening = partial(connect_sync, edges(args), **network_of(args), key=key)
    session = getattr(args, "session", None)
    return opening() if session is None else session.client(opening)


def async_client(args: Namespace, key: Any = None) -> Any:
    """An asyncio client as the options say, to be entered by `async with`."""
    from dave.edge.connect import connect

    return connect(edges(args), **network_of(args), key=key)


def network_of(args: Namespace) -> dict[str, Any]:
    """What `dave.connect` has to know of the network."""
    return {
        "network": args.network,
        "secret": secret(args),
        "tuning": args.chosen.tuning(),
    }


def typed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """A parser of settings as argparse takes it."""

    def convert(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return convert


count = typed(kinds.count)
