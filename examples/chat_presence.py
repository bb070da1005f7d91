"""Who is there, and what they say: each member has a key, and watches what the others put.

    python examples/chat_presence.py --name ann --key ann.key --with OWNER --with OWNER

The first line printed is what the others give as OWNER; each line typed is a message.
"""

import argparse
import asyncio
import json
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import chain

import dave

NAME, LIFE_SECONDS, KEPT = "chat", 30, 8


async def be_there(d: dave.Client, name: str, lines: "asyncio.Queue[str]") -> None:
    """Be there, and say the lines that come (the last KEPT of them), up to an empty one."""
    said, line = list[str](), "?"
    while line:
        told = {"name": name, "first": max(0, len(said) - KEPT), "texts": said[-KEPT:]}
        with suppress(dave.NetworkError, dave.NotStored):  # the next time, then
            await d.put(NAME, json.dumps(told), ttl=LIFE_SECONDS, listed=False)
        with suppress(TimeoutError):
            line = await asyncio.wait_for(lines.get(), LIFE_SECONDS / 3)
            said += [line.strip()] if line else []
    await d.delete(NAME, listed=False)


async def meet(d: dave.Client, owner: str, tell: Callable[[str], None]) -> None:
    """Tell when a member comes, what they say, and when they go."""
    name, seen = "", 0
    async for change in d.watch(NAME, owner=owner):
        if change.entry is None:
            tell(f"* {name} is gone")
            name, seen = "", 0
            continue
        told = json.loads(change.entry.value)
        if not name:
            tell(f"* {(name := told['name'])} is here")
        for text in told["texts"][max(0, seen - told["first"]) :]:
            tell(f"{name}: {text}")
        seen = told["first"] + len(told["texts"])


def read_lines(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[str]") -> None:
    """Hand on what is typed, and an empty text at the end."""
    for line in chain(sys.stdin, [""]):
        loop.call_soon_threadsafe(lines.put_nowait, line)


async def main() -> None:
    """Chat until the end of the input."""
    parser = argparse.ArgumentParser(description="See who is there, and talk.")
    parser.add_argument("--edge", default="127.0.0.1:1424", help="a node: HOST:PORT")
    parser.add_argument("--name", required=True, help="what others see")
    parser.add_argument("--key", default="chat.key", help="yours, made if there is none")
    parser.add_argument("--with", dest="others", action="append", default=[], metavar="OWNER")
    args = parser.parse_args()
    key, lines = dave.Key.load_or_make(args.key), asyncio.Queue[str]()
    reading = (asyncio.get_running_loop(), lines)
    threading.Thread(target=read_lines, args=reading, daemon=True).start()
    async with dave.connect(args.edge, key=key) as d:
        print(key.name, flush=True)
        others = [meet(d, owner, lambda text: print(text, flush=True)) for owner in args.others]
        tasks = [asyncio.create_task(each) for each in (be_there(d, args.name, lines), *others)]
        await next(asyncio.as_completed(tasks))  # the end of the input, or an error


if __name__ == "__main__":
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(main())
    except dave.DaveError as error:
        sys.exit(f"chat_presence: {error}")
