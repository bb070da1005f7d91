"""`dave check`: who of the nodes that should hold an entry can prove that it does."""

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from dave.node.check import Verdict
from dave_cli import options

EPILOG = """\
examples:
  dave check greeting                your own key
  dave check dave://OWNER/KEY        anybody's
Each node that should hold it gets one storage challenge, which it can answer
only if it has every byte. Exit code 0: more than half prove it; 1: fewer do, or
there is no such entry; 3: no node answers."""

WORDS = {
    Verdict.PROVED: "proves it",
    Verdict.UNPROVED: "says it has it, and does not prove it",
    Verdict.NEWER: "says it has a newer version",
    Verdict.EVICTED: "says it evicted it",
    Verdict.ABSENT: "missing",
    Verdict.SILENT: "no answer",
}


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave check`."""
    parser.add_argument("name", metavar="NAME", help="KEY, or dave://OWNER/KEY")
    options.add(parser, "client.key")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave check`."""
    with options.client(args, options.key_for_name(args)) as client:
        check = client.check(args.name, timeout=args.timeout)
    if check is None:
        print(f"dave: nothing stands under {args.name}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(_as_json(check)))
    else:
        _print(check)
    return 0 if check.is_safe else 1


def _print(check: Any) -> None:
    print(f"{check.stored} stored, {check.proved} prove it; {check.asked} asked")
    width = max((len(node.address) for node in check.nodes), default=0)
    for node in check.nodes:
        rtt = "-" if node.rtt_ms is None else f"{node.rtt_ms:.2f} ms"
        print(f"  {node.address:{width}}  {rtt:>10}  {WORDS[node.verdict]}")


def _as_json(check: Any) -> dict[str, Any]:
    return {
        "uri": check.uri,
        "asked": check.asked,
        "stored": check.stored,
        "proved": check.proved,
        "nodes": [
            {
                "address": node.address,
                "id": node.id,
                "verdict": node.verdict.name.lower(),
                "rtt_ms": node.rtt_ms,
            }
            for node in check.nodes
        ],
        "seconds": round(check.seconds, 6),
    }
