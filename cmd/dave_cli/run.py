"""`dave run`: a node in the foreground."""

import signal
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from dave.limits import CAPACITY_BYTES_DEFAULT
from dave_cli import options
from dave_cli.loop import run

EPILOG = """\
examples:
  dave run                           a network of your own on this machine
  dave run --listen 127.0.0.1:0 --edge 127.0.0.1:1424 --data second
  dave run --edge HOST:1424          join others; all addresses, port 1424
  dave run --lan                     find others on the local network
The first line on standard output is "dave listening on HOST:PORT". Ctrl-C stops
it, and hands over what it holds."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave run`."""
    parser.add_argument(
        "--listen", metavar="ADDR",
        help="HOST:PORT; port 0 takes a free one (default: 127.0.0.1:1424, or all addresses with "
        "--lan and if an --edge is not on this machine)",
    )  # fmt: skip
    parser.add_argument(
        "--edge", metavar="HOST:PORT", action="append", default=[],
        help="a node through which to join, may be repeated; HOST:PORT#NODEKEY pins its key",
    )  # fmt: skip
    parser.add_argument(
        "--lan", action="store_true",
        help="find nodes on the local network by multicast: no edge, no internet needed; listens "
        "on all addresses unless --listen says otherwise",
    )  # fmt: skip
    parser.add_argument(
        "--key", metavar="FILE", type=Path,
        help="the node's key, made where it is missing (default: node.key in the data folder)",
    )  # fmt: skip
    options.add_data(parser)
    parser.add_argument(
        "--capacity", metavar="SIZE", type=options.size, default=CAPACITY_BYTES_DEFAULT,
        help="memory for entries, such as 500M or 2G (default: 1G)",
    )  # fmt: skip
    parser.add_argument(
        "--blob-capacity", metavar="SIZE", type=options.size, default=None,
        help="disk for shares of files, 0 for none (default: 10G, but at most half of what is "
        "free)",
    )  # fmt: skip
    parser.add_argument(
        "--sync", metavar="MODE", choices=("always", "second", "never"), default="always",
        help="always: acknowledge what is on disk (default); second; never",
    )  # fmt: skip
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

    config = Config(
        listen=args.listen,
        edges=args.edge,
        lan=args.lan,
        data=options.data_folder(args),
        key=args.key,
        capacity=args.capacity,
        blob_capacity=args.blob_capacity,
        sync=args.sync,
        network=args.network,
        secret=options.secret(args),
    )
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
