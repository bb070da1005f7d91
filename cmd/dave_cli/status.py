"""`dave status`: how the node on this machine is doing, by its control socket."""

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from dave.limits import CLOCK_AHEAD_MS_MAX
from dave_cli import options

EPILOG = """\
examples:
  dave status
  dave status --json --data second   the node that runs in folder "second"
Exit code 3: no node is running there."""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave status` and `dave peers`."""
    options.add(parser, "node.data")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def main(args: Namespace) -> int:
    """Run `dave status`."""
    answer = ask_node(args, "status")
    if args.json:
        print(json.dumps(answer))
        return 0
    used, capacity = answer["bytes_used"], answer["bytes_capacity"]
    puts = ", ".join(f"{n:,} {status}" for status, n in answer["puts"].items()) or "none"
    rows = {
        "address": answer["address"],
        "seen at": answer["seen_at"] or "nobody has said yet",
        "http": answer["http"] or "not served (--http ADDR)",
        "node key": answer["key"],
        "network": answer["network"],
        "up": f"{answer['uptime_seconds']:,.0f} s, process {answer['pid']}",
        "peers": f"{answer['peers']:,} known, {answer['sessions']:,} sessions",
        "entries": f"{answer['entries']:,}, {used / 1e6:,.1f} of {capacity / 1e6:,.0f} MB",
        "journal": f"{answer['journal_bytes'] / 1e6:,.1f} MB, --sync {answer['sync']}",
        "puts": f"{puts}; {answer['puts_waiting']:,} waiting",
        "gets": f"{answer['gets_found']:,} found, {answer['gets_absent']:,} absent",
        "traffic": f"{answer['received_bytes'] / 1e6:,.1f} MB received, "
        f"{answer['sent_bytes'] / 1e6:,.1f} MB sent, by UDP",
        "drops": ", ".join(f"{n:,} {reason}" for reason, n in answer["drops"].items()) or "none",
        "kernel": f"{answer['kernel_drops']:,} datagrams dropped before they were read",
        "requests": f"{answer['requests_answered']:,} of its own answered, "
        f"{answer['requests_failed']:,} not",
    }
    files = answer["files"]
    rows |= _of_files(files) | _of_upkeep(answer["upkeep"])
    if (lan := answer.get("lan")) is not None:
        rows["lan"] = f"{lan['beacons_sent']:,} beacons sent, {lan['beacons_heard']:,} heard"
    if not answer["reached"]:
        rows["UNREACHED"] = (
            "no other node gets through to this one: it runs as a client and tries again at times; "
            "let UDP in at its port"
        )
    rows |= _of_clock(answer["clock_ahead_seconds"] or 0)
    if answer["read_only"]:
        rows["READ ONLY"] = answer["read_only"]
    if answer["kept"]:
        rows["renews"] = f"{answer['kept']:,} entries, see `dave keep ls`"
    if answer["state_failure"]:
        rows["FORGETFUL"] = f"its database cannot be written: {answer['state_failure']}"
    for name, text in rows.items():
        print(f"{name:10} {text}")
    for damage in answer["journal_damage"]:
        print(f"{'damage':10} {damage}")
    for note in answer["state_notes"] + (files["notes"] if files else []):
        print(f"{'database':10} {note}")
    return 0


def _of_clock(ahead: float) -> dict[str, str]:
    """Of a clock that is so many seconds ahead of the others, if that is too many."""
    if abs(ahead) <= CLOCK_AHEAD_MS_MAX / 1000:
        return {}
    where = "ahead of" if ahead > 0 else "behind"
    text = f"this machine's clock is {abs(ahead):,.0f} s {where} the other nodes': set it right"
    return {"CLOCK": text}


def _of_files(files: dict[str, Any] | None) -> dict[str, str]:
    """Of the shares that the node keeps of files; None: it has no room for any."""
    if files is None:
        return {"files": "no room for shares (--blob-capacity 0)"}
    used, capacity = files["bytes_used"], files["bytes_capacity"]
    rows = {
        "files": f"{files['shares']:,} shares, {used / 1e6:,.1f} of {capacity / 1e6:,.0f} MB",
        "scrub": f"{files['scrubbed']:,} shares read over again, {files['damaged']:,} damaged, "
        f"{files['missing']:,} missing at the start",
    }
    if files["failure"]:
        rows["NO SHARES"] = f"the last one could not be written: {files['failure']}"
    return rows


def _of_upkeep(upkeep: dict[str, int] | None) -> dict[str, str]:
    """Of the stripes whose shares the node keeps, here and at others."""
    if upkeep is None:
        return {}
    return {
        "stripes": f"{upkeep['mended']:,} mended, {upkeep['lacking']:,} lack shares now; audits of "
        f"others: {upkeep['audits_kept']:,} kept, {upkeep['audits_broken']:,} broken"
    }


def ask_node(args: Namespace, question: str) -> dict[str, Any]:
    """What the running node answers. Raises Unreachable, saying how to start one."""
    from dave.edge.control import ask, no_answer

    path = options.data_folder(args) / "control.sock"
    try:
        return ask(path, question)
    except OSError as error:
        raise no_answer(path, error) from None
