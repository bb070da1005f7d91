"""`dave peers`: whom the node on this machine knows, and how far it relies on each."""

import json
from argparse import Namespace
from typing import Any

from dave_cli.lifetime import words
from dave_cli.status import add_options, ask_node

EPILOG = """\
examples:
  dave peers
trust is the least share of its promises that a peer can be expected to keep;
"-": never tested. kept and broken count tests of the last days, since when
there were any; old ones fade. Exit code 3: no node is running there."""

__all__ = ["EPILOG", "add_options", "main"]

_HEAD = ("id", "address", "trust", "kept", "broken", "since", "round trip", "heard")


def main(args: Namespace) -> int:
    """Run `dave peers`."""
    answer = ask_node(args, "peers")
    if args.json:
        print(json.dumps(answer))
        return 0
    if not answer["peers"]:
        print("no peers yet")
        return 0
    rows = [_HEAD, *map(_row, sorted(answer["peers"], key=_worth))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        # Names to the left, figures to the right.
        cells = [
            f"{cell:{'<' if i < 2 else '>'}{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
    return 0


def _worth(peer: dict[str, Any]) -> tuple[float, float, str]:
    """The most trusted first, of those alike the nearest, as the node itself asks them."""
    rtt = peer["rtt_ms"]
    return -(peer["trust"] or 0.0), float("inf") if rtt is None else rtt, peer["id"]


def _row(peer: dict[str, Any]) -> tuple[str, ...]:
    is_tested = peer["trust"] is not None
    return (
        peer["id"],
        peer["address"],
        f"{peer['trust']:.2f}" if is_tested else "-",
        f"{peer['kept']:.1f}" if is_tested else "-",
        f"{peer['broken']:.1f}" if is_tested else "-",
        f"{words(peer['since_seconds'])} ago" if is_tested else "-",
        "-" if peer["rtt_ms"] is None else f"{peer['rtt_ms']:.2f} ms",
        f"{words(peer['heard_seconds_ago'])} ago",
    )
