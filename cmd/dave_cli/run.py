"""`dave run`: a node in the foreground."""

import signal
from argparse import ArgumentParser, Namespace
from typing import Any

from dave.errors import UsageError
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
    options.add(parser, "node.listen", "node.edge", "node.lan", "node.key", "node.data")
    options.add(parser, "node.capacity", "node.blob_capacity", "node.sync")
    options.add(parser, "node.http", "node.http_key", "log.level", "log.format")
    options.add_network(parser)


def main(args: Namespace) -> int:
    """Run `dave run`."""
    from dave.edge import logs

    logs.configure(args.log_level, args.log_format)
    run(_run(args))
    return 0


async def _run(args: Namespace) -> None:
    import asyncio
    import logging

    from dave.edge.node import Config, Node

    config = Config.of(args.chosen, options.secret(args))
    config = config._replace(http_key=_http_key(args))
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
