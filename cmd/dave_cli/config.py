"""`dave config`: every setting, its value, and where that came from."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from dave.edge.settings import SETTINGS, path_of
from dave.errors import UsageError
from dave_cli import options

EPILOG = """\
examples:
  dave config                           all settings
  dave config path                      where the file is, or would be
  dave config --init                    write one: every setting, as a comment
  dave config --set tuning.replicas=5   try a value
Flags go before the environment, that before the file, and that before the
defaults."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave config`."""
    parser.add_argument(
        "what", metavar="path", nargs="?", choices=("path",), help="print the path of the file"
    )
    parser.add_argument(
        "--init", action="store_true", help="write a file with the defaults, if there is none"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_config(parser)


def main(args: Namespace) -> int:
    """Run `dave config`."""
    if args.init:
        return _init(args)
    if args.what == "path":
        return _tell(path_of(args.config), args)
    settings = options.resolve(args).chosen
    settings.tuning()  # raises where two do not go together
    rows = {name: settings.chosen(name) for name in SETTINGS}
    if args.json:
        shown = {
            name: {"value": _plain(chosen.value), "origin": chosen.origin, "where": chosen.where}
            for name, chosen in rows.items()
        }
        found = {"file": str(settings.path), "exists": settings.has_file, "settings": shown}
        print(json.dumps(found))
        return 0
    print(f"file: {settings.path}{'' if settings.has_file else ' (not there)'}")
    for name, chosen in rows.items():
        origin = chosen.where if chosen.origin in ("environment", "flag") else chosen.origin
        print(f"{name:26} {origin:22} {chosen.written}")
    return 0


def _init(args: Namespace) -> int:
    from dave.edge.settings_file import template

    path = path_of(args.config)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise UsageError(f"{path} exists and is left as it is; `dave config` shows it") from None
    return _tell(path, args)


def _tell(path: Path, args: Namespace) -> int:
    print(json.dumps({"path": str(path)}) if args.json else path)
    return 0


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
