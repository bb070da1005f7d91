"""`dave peers`: whom the node on this machine knows."""

import json
from argparse import Namespace

from dave_cli.status import add_options, ask_node

__all__ = ["add_options", "main"]


def main(args: Namespace) -> int:
    """Run `dave peers`."""
    answer = ask_node(args, "peers")
    if args.json:
        print(json.dumps(answer))
        return 0
    if not answer["peers"]:
        print("no peers yet")
        return 0
    print(f"{'id':16}  {'address':24}  {'round trip':>10}  heard")
    for peer in answer["peers"]:
        rtt = "-" if peer["rtt_ms"] is None else f"{peer['rtt_ms']:.2f} ms"
        heard = f"{peer['heard_seconds_ago']:.0f} s ago"
        print(f"{peer['id']}  {peer['address']:24}  {rtt:>10}  {heard}")
    return 0
