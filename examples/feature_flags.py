"""Feature flags that change while a program runs, and have their defaults while nobody answers.

    python examples/feature_flags.py set dark_mode=true limit=20
    python examples/feature_flags.py follow dave://OWNER/flags

test_feature_flags.py tests it in virtual time.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Callable

import dave

Flag = bool | int | str
Flags = dict[str, Flag]
DEFAULTS: Flags = {"dark_mode": False, "limit": 10, "motto": "hello"}
NAME = "flags"


def merged(published: bytes) -> Flags:
    """The defaults, and of what was published all that is known here and of the same type."""
    told = json.loads(published)
    fits = {n: told[n] for n, flag in DEFAULTS.items() if n in told and type(told[n]) is type(flag)}
    return DEFAULTS | fits


async def follow(d: dave.Client, uri: str, use: Callable[[Flags], None]) -> None:
    """Call `use` with the defaults, and then with the flags each time they change."""
    use(dict(DEFAULTS))
    while True:
        try:
            with d.watch(uri, kept=1) as watch:
                async for change in watch:
                    use(merged(b"{}" if change.entry is None else change.entry.value))
        except dave.NetworkError:  # the network was not there when we came
            await asyncio.sleep(10)


async def publish(d: dave.Client, changed: Flags) -> str:
    """Change some flags, leave the others as they stand; returns where they are."""
    standing = await d.get(NAME)
    flags = json.loads(standing.value) if standing else {}
    cas = standing.time if standing else 0  # who changes them at the same time gets a Conflict
    return (await d.put(NAME, json.dumps(flags | changed), cas=cas)).uri


def parsed(text: str) -> tuple[str, Flag]:
    """NAME=VALUE, of the type that the default has. Raises ValueError."""
    name, _, value = text.partition("=")
    default = DEFAULTS.get(name)
    if default is None or (isinstance(default, bool) and value not in ("true", "false")):
        raise ValueError(f"{text!r} is none of the flags {DEFAULTS}")
    return name, value == "true" if isinstance(default, bool) else type(default)(value)


async def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Set feature flags, and follow them.")
    parser.add_argument("--edge", default="127.0.0.1:1424", help="a node: HOST:PORT")
    parser.add_argument("--key", default="flags.key", help="whose flags; made if there is none")
    parser.add_argument("command", choices=["set", "follow"])
    parser.add_argument("what", nargs="+", help=f"NAME=VALUE ({', '.join(DEFAULTS)}), or the URI")
    args = parser.parse_args()
    if args.command == "follow":
        async with dave.connect(args.edge) as d:
            await follow(d, args.what[0], lambda flags: print(json.dumps(flags), flush=True))
    async with dave.connect(args.edge, key=dave.Key.load_or_make(args.key)) as d:
        print(await publish(d, dict(parsed(each) for each in args.what)))


if __name__ == "__main__":
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(main())
    except (dave.DaveError, ValueError) as error:
        sys.exit(f"feature_flags: {error}")
