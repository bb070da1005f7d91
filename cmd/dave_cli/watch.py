"""`dave watch`: a line for each version of a value as it comes, or a command run with it."""

import json
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from typing import Any

from dave.names import hybrid_ms
from dave_cli import options

EPILOG = """\
examples:
  dave watch greeting                what stands now, then each new version
  dave watch dave://OWNER/KEY --exec '[ "$DAVE_GONE" ] || cat > config'
CMD is run by the shell, one at a time, with the value on its standard input,
and DAVE_NAME, DAVE_TIME (milliseconds since 1970), DAVE_SKIPPED and DAVE_GONE
(empty; deleted or expired where there is no value any more) in its environment.
Versions that come while it runs are skipped but for the newest. Ctrl-C ends it.
Exit code 3: no node answers."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave watch`."""
    parser.add_argument("name", metavar="NAME", help="KEY, or dave://OWNER/KEY")
    parser.add_argument("--exec", metavar="CMD", help="run CMD for each version, print nothing")
    parser.add_argument(
        "--raw", action="store_true", help="print the value as it is, and a newline; nothing else"
    )
    parser.add_argument(
        "--count", metavar="N", type=options.count, help="end after so many versions"
    )
    options.add(parser, "client.key")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave watch`."""
    import asyncio

    asyncio.run(_until_told(args))
    return 0


async def _until_told(args: Namespace) -> None:
    """Watch until the count is reached, or a signal comes."""
    import asyncio

    watching = asyncio.ensure_future(_watch(args))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, watching.cancel)
    await asyncio.wait([watching])
    if not watching.cancelled():
        watching.result()
    elif sys.stderr.isatty():
        print(file=sys.stderr)  # after the ^C


async def _watch(args: Namespace) -> None:
    from dave.edge.limits import WATCH_EVENTS_KEPT

    key = options.key_for_name(args)
    kept = 1 if args.exec else WATCH_EVENTS_KEPT
    async with options.async_client(args, key) as client:
        with client.watch(args.name, timeout=args.timeout, kept=kept) as watch:
            if not await watch.started():
                print(f"dave: nothing stands under {args.name} yet", file=sys.stderr)
            left = args.count
            async for change in watch:
                if args.exec:
                    await _run(args.exec, change)
                else:
                    _print(change, args)
                left = left and left - 1
                if left == 0:
                    return


async def _run(command: str, change: Any) -> None:
    """Run the command to its end; ended ourselves, end it too."""
    import asyncio

    env = {
        "DAVE_NAME": change.uri,
        "DAVE_TIME": str(hybrid_ms(change.time)),
        "DAVE_SKIPPED": str(change.skipped),
        "DAVE_GONE": change.gone,
    }
    child = await asyncio.create_subprocess_shell(
        command, stdin=asyncio.subprocess.PIPE, env={**os.environ, **env}
    )
    try:
        await child.communicate(b"" if change.entry is None else change.entry.value)
    finally:
        if child.returncode is None:
            child.terminate()
    if child.returncode:
        print(f"dave: the command ended with {child.returncode}", file=sys.stderr)


def _print(change: Any, args: Namespace) -> None:
    if args.json:
        from dave.edge.fields import change_fields

        print(json.dumps(change_fields(change)), flush=True)
    elif args.raw and change.entry is not None:
        sys.stdout.buffer.write(change.entry.value + b"\n")
        sys.stdout.buffer.flush()
    elif args.raw:
        print(f"dave: {args.name} is {change.gone}", file=sys.stderr)
    else:
        print(_line(change), flush=True)


def _line(change: Any) -> str:
    at = change.expires if change.gone == "expired" else hybrid_ms(change.time) / 1000
    date = datetime.fromtimestamp(at, UTC)
    when = date.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    skipped = f"  ({change.skipped} skipped)" if change.skipped else ""
    if change.entry is None:
        return f"{when}  {change.gone}{skipped}"
    if change.entry.is_closed:
        return f"{when}  a file or a private value: dave get shows it{skipped}"
    value = change.entry.value
    size = f"{len(value)} byte" + "s" * (len(value) != 1)
    return f"{when}  {size}  {escaped(value)}{skipped}"


def escaped(value: bytes) -> str:
    """A value on one line, whatever bytes it has: no control character reaches the terminal."""
    return "".join(map(_escaped, value.decode("utf-8", "surrogateescape")))


def _escaped(char: str) -> str:
    if char.isprintable() and char != "\\":
        return char
    if "\udc80" <= char <= "\udcff":  # a byte that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
