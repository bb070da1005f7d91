"""`dave run`: a node in the foreground."""

import signal
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from dave_cli import options
from dave_cli.loop import run

EPILOG = """\
  dave run                                     a network of your own on this machine
  dave run --listen 127.0.0.1:0 --edge 127.0.0.1:1424 --data second
  dave run --edge HOST:1424                    join others; listens on all addresses, port 1424
  dave run --lan                               find others on the local network, and be found
The first line on standard output is "dave listening on HOST:PORT"."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave run`."""
    options.add(parser, "node.listen", "node.edge", "node.lan", "node.key", "node.data")
    options.add(parser, "node.capacity", "node.blob_capacity", "node.sync")
    options.add_network(parser)


def main(args: Namespace) -> int:
    """Run `dave run`."""
    import logging

    logging.basicConfig(format="dave: %(message)s", level=logging.INFO, stream=sys.stderr)
    run(_run(args))
    return 0


async def _run(args: Namespace) -> None:
    import asyncio

    from dave.edge.node import Config, Node

    config = Config.of(args.chosen, options.secret(args))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Node(config) as node:
        print(f"dave listening on {node.address}", flush=True)
        _greet(node, args)
        await stop.wait()
        print("dave: stopping", file=sys.stderr)


def _greet(node: Any, args: Namespace) -> None:
    from dave.edge.status import damage_texts

    for line in (
        f"node key {node.public_key}",
        f"data in {node.world.folder.path}: {len(node.core.store):,} entries",
    ):
        print(f"dave: {line}", file=sys.stderr)
    if args.lan:
        where = "all addresses" if args.listen is None else args.listen
        print(f"dave: listening on {where}, looking for nodes on the local network",
              file=sys.stderr)  # fmt: skip
    elif args.listen is None and not args.edge:
        print("dave: reachable from this machine only; --listen ADDR changes that",
              file=sys.stderr)  # fmt: skip
    for text in damage_texts(node.replay):
        print(f"dave: {text}", file=sys.stderr)
