"""`dave run`: a node in the foreground."""

import signal
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from dave.errors import UsageError
from dave.limits import CAPACITY_BYTES_DEFAULT
from dave_cli import options
from dave_cli.loop import run

EPILOG = """\
  dave run                                     a network of your own on this machine
  dave run --listen 127.0.0.1:0 --edge 127.0.0.1:1424 --data second
  dave run --edge HOST:1424                    join others; listens on all addresses, port 1424
  dave run --lan                               find others on the local network, and be found
  dave run --http 127.0.0.1:8080               serve HTTP too
The first line on standard output is "dave listening on HOST:PORT"; with --http, the second is
"dave http on http://HOST:PORT/"."""


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
    parser.add_argument(
        "--http", metavar="ADDR", default=None,
        help="serve HTTP on HOST:PORT, such as 127.0.0.1:8080; port 0 takes a free one (default: "
        "not at all)",
    )  # fmt: skip
    parser.add_argument(
        "--http-key", metavar="FILE", type=Path, default=None,
        help="the owner's key with which values that come over HTTP are signed",
    )  # fmt: skip
    parser.add_argument(
        "--log-level", metavar="LEVEL", choices=("debug", "info", "warning", "error"),
        default=None, help="what is logged on standard error, and all that is worse: debug, info "
        "(default), warning or error",
    )  # fmt: skip
    parser.add_argument(
        "--log-format", metavar="FORMAT", choices=("text", "json"), default=None,
        help="text for people (default), or json: one object a line",
    )  # fmt: skip
    options.add_network(parser)


def main(args: Namespace) -> int:
    """Run `dave run`."""
    from dave.edge import logs

    logs.configure(args.log_level or "info", args.log_format or "text")
    run(_run(args))
    return 0


async def _run(args: Namespace) -> None:
    import asyncio
    import logging

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
        http=args.http,
        http_key=_http_key(args),
    )
    log = logging.getLogger("dave.run")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Node(config) as node:
        print(f"dave listening on {node.address}", flush=True)
        if node.http is not None:
            print(f"dave http on http://{node.http.address}/", flush=True)
        _greet(node, args, log)
        await stop.wait()
        log.info("stopping")


def _http_key(args: Namespace) -> Any:
    if args.http_key is None:
        return None
    if args.http is None:
        raise UsageError("--http-key is of no use without --http ADDR")
    from dave.edge.keyfile import Key

    return Key.load(args.http_key, options.ask_passphrase(args.http_key))


def _greet(node: Any, args: Namespace, log: Any) -> None:
    from dave.edge.status import damage_texts

    if args.lan:
        where = "all addresses" if args.listen is None else args.listen
        log.info("listening on %s, looking for nodes on the local network", where)
    elif args.listen is None and not args.edge:
        log.info("reachable from this machine only; --listen ADDR changes that")
    if node.http is not None:
        log.info("what writes over HTTP must show the token in %s", node.http.token_path)
        if node.http.is_open:
            log.warning("http is open to other machines, and not encrypted: put a proxy with TLS "
                        "before it, unless the network is yours")  # fmt: skip
    for text in damage_texts(node.replay):
        log.warning("%s", text)
