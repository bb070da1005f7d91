"""Where am I? A device says so under its own key; whoever knows its name finds it.

    python examples/endpoint_records.py publish 192.0.2.7:8022 --ttl 60
    python examples/endpoint_records.py resolve dave://OWNER/endpoint

The record is renewed while the device runs, taken back when it ends, and gone within a lifetime
after it has died without a word.
"""

import argparse
import asyncio
import contextlib
import json
import sys

import dave

NAME = "endpoint"


async def publish(d: dave.Client, address: str, ttl: int) -> None:
    """Say where this device is, until cancelled."""
    try:
        while True:
            try:
                receipt = await d.put(NAME, json.dumps({"address": address}), ttl=ttl)
                print(f"{receipt.uri} is {address}: {receipt.stored} nodes know", flush=True)
            except (dave.NetworkError, dave.NotStored) as error:
                print(f"not told: {error}", file=sys.stderr)
            await asyncio.sleep(ttl / 3)
    finally:
        with contextlib.suppress(dave.DaveError):  # else it expires
            await d.delete(NAME)


async def resolve(d: dave.Client, name: str) -> tuple[str, float] | None:
    """Where a device is, and when it said so in Unix seconds; None if it is not there."""
    record = await d.get(name)
    if record is None:
        return None
    return json.loads(record.value)["address"], record.written


def arguments() -> argparse.Namespace:
    """What to do."""
    parser = argparse.ArgumentParser(description="Tell where a device is, and find it.")
    parser.add_argument("--edge", default="127.0.0.1:1424", help="a node: HOST:PORT")
    commands = parser.add_subparsers(dest="command", required=True)
    publishing = commands.add_parser("publish", help="say where this device is")
    publishing.add_argument("address", help="for example HOST:PORT")
    publishing.add_argument("--key", default="device.key", help="its key, made if there is none")
    publishing.add_argument("--ttl", type=int, default=60, help="seconds; renewed in time")
    resolving = commands.add_parser("resolve", help="find a device")
    resolving.add_argument("name", help="dave://OWNER/endpoint, as publish prints it")
    return parser.parse_args()


async def main() -> None:
    """Do it."""
    args = arguments()
    if args.command == "publish":
        async with dave.connect(args.edge, key=dave.Key.load_or_make(args.key)) as d:
            await publish(d, args.address, args.ttl)
    async with dave.connect(args.edge) as d:
        if (found := await resolve(d, args.name)) is None:
            sys.exit(f"{args.name} is not there: it ended, or never was")
        print(found[0])


if __name__ == "__main__":
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(main())
    except dave.DaveError as error:
        sys.exit(f"endpoint_records: {error}")
