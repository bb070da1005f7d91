"""`dave doctor`: looks at what can be wrong, here and on the way, and says what mends it."""

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dave.edge.limits import PORT_DEFAULT
from dave.errors import KeyFileError, UsageError
from dave_cli import colours, options
from dave_cli.loop import run

if TYPE_CHECKING:
    from dave.edge.doctor.finding import Finding

EPILOG = """\
examples:
  dave doctor                           this machine, and the node on it
  dave doctor --edge HOST:1424          and how that node is reached
  dave doctor --listen :1424            and whether a node at this port would be
Each line is ok, a warning (it works, and could be better) or a PROBLEM, and
says what mends it. It changes nothing, needs no root, takes a few seconds.
Exit code 1: there is a problem; 3: no node can be reached."""

HERE = ("127.", "[::1]", "localhost")
"""How addresses of this machine alone begin."""
WORDS = ("ok", "warning", "PROBLEM")
COLOURS = ("\x1b[32m", "\x1b[33m", "\x1b[31m")
"""Green, yellow, red."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave doctor`."""
    options.add(parser, "client.edge", "client.key", "node.listen", "node.data")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_network(parser)


def main(args: Namespace) -> int:
    """Run `dave doctor`."""
    from dave.edge.doctor.finding import Level

    status = _status(args)
    findings, is_any_up = run(_look(args, status))
    worst = max(finding.level for finding in findings)
    if args.json:
        found = {
            "node": status is not None,
            "reachable": is_any_up,
            "findings": [finding.as_json() for finding in findings],
        }
        print(json.dumps(found))
    else:
        _print(findings)
    if not is_any_up:
        return 3
    return 1 if worst is Level.PROBLEM else 0


async def _look(args: Namespace, status: Mapping[str, Any] | None) -> "tuple[list[Finding], bool]":
    """All findings, those of this machine first; and whether any node can be reached."""
    from dave.crypto.network import network
    from dave.edge.doctor import folder, machine
    from dave.edge.doctor import network as outside
    from dave.edge.doctor.dial_back import dial_back
    from dave.edge.doctor.finding import problem
    from dave.edge.doctor.probe import probe

    data = options.data_folder(args)
    findings = [machine.version(status), machine.kernel(), machine.open_files()]
    findings += [*folder.disk(data), *folder.data(data, status), *folder.keys(_keys(args, data))]
    findings.append(machine.port(_listen(args), status))
    findings.append(machine.lan(args.chosen["node.lan"]))
    try:
        secret = options.secret(args)
    except KeyFileError as error:
        findings.append(problem("network", str(error), "--secret-file FILE"))
        return findings, False
    if not args.json and sys.stderr.isatty():
        print("dave: asking other nodes ...", file=sys.stderr)
    of = network(args.network, secret)
    found = await probe(_edges(args, status), of)
    clock = outside.clock(found.clocks, status)
    findings += outside.edges(found.edges)
    findings += [clock] if clock is not None else []
    findings += [*outside.packets(found.edges), *outside.answers(found.edges, status)]
    up = [edge.text for edge in found.edges if edge.is_up]
    dialled = None
    has_witness = len(found.clocks) > 1  # somebody beside the edge, to dial
    if status is None and up and has_witness and _is_node_meant(args, data):
        dialled = await dial_back(_listen(args), of, up[0])
    findings += [*outside.nat(found.voices), outside.reach(status, _listen(args), dialled)]
    return findings, bool(up)


def _is_node_meant(args: Namespace, data: Path) -> bool:
    """Whether a node is to run here that others should reach; a client need not be reached."""
    is_meant = args.listen is not None or os.path.exists(data / "node.key")
    return is_meant and not _listen(args).startswith(HERE)


def _status(args: Namespace) -> dict[str, Any] | None:
    """What the node on this machine says of itself; None if none runs."""
    from dave.edge.control import ask

    try:
        return ask(options.data_folder(args) / "control.sock", "status")
    except (OSError, UsageError):
        return None


def _edges(args: Namespace, status: Mapping[str, Any] | None) -> list[str]:
    """Whom to ask: those of the client, those of the node, and the node here."""
    named = [*(args.edge or ()), *(args.chosen["node.edge"] or ())]
    if status is not None and not args.edge:
        named.append(status["address"])
    return list(dict.fromkeys(named)) or [f"127.0.0.1:{PORT_DEFAULT}"]


def _listen(args: Namespace) -> str:
    """Where `dave run` would listen: `default_listen` of edge/node.py, without looking up names."""
    if args.listen is not None:
        return str(args.listen)
    others = [edge for edge in args.chosen["node.edge"] or () if not edge.startswith(HERE)]
    is_open = args.chosen["node.lan"] or others
    return f":{PORT_DEFAULT}" if is_open else f"127.0.0.1:{PORT_DEFAULT}"


def _keys(args: Namespace, data: Path) -> Sequence[tuple[str, Path | None]]:
    from dave.edge.user_folders import config_folder

    return (
        ("your key", args.key or config_folder() / "owner.key"),
        ("the node's key", args.chosen["node.key"] or data / "node.key"),
        ("the network's secret", args.secret_file),
        ("the key for HTTP", args.chosen["node.http_key"]),
    )


def _print(findings: "Sequence[Finding]") -> None:
    are_wanted = colours.are_wanted()
    begin, end = (COLOURS, "\x1b[0m") if are_wanted else (("", "", ""), "")
    for finding in findings:
        word = f"{begin[finding.level]}{WORDS[finding.level]:8}{end}"
        print(f"{word} {finding.check:14} {finding.text}")
        if finding.mend:
            print(f"{'':23} -> {finding.mend}")
