"""What the answers of the network mean: whether an edge can be used, the clock, NAT, packet sizes,
how many requests are answered, whether others get through to the node here."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from dave.edge.addresses import format_address
from dave.edge.doctor.finding import Finding, ok, problem, warning
from dave.edge.doctor.probe import Edge, Voice
from dave.edge.limits import LOG_CLOCK_SECONDS
from dave.limits import CLOCK_AHEAD_MS_MAX, PACKET_BYTES_MAX
from dave.names import Address
from dave.peers.subnets import is_private
from dave.session.session import FailReason

ANSWERED_GOOD = 0.9
ANSWERED_BAD = 0.5
REQUESTS_TOLD_MIN = 20
"""Fewer requests of a node say nothing of its line."""

_FAILURES = {
    FailReason.OTHER_NETWORK: (
        "answers, but for another network or with another secret",
        "give what its operator says: --network NAME --secret-file FILE",
    ),
    FailReason.OTHER_KEY: (
        "answers with another key than the one that is pinned",
        "ask its operator for its key, which `dave status` shows there",
    ),
    FailReason.NODE_WORK: (
        "answers with an id that is not backed by work, as no honest node does",
        "name another edge: --edge HOST:PORT",
    ),
}


def edges(found: Sequence[Edge]) -> list[Finding]:
    """Each edge: can it be used? One that can makes those that cannot mere warnings."""
    is_any_up = any(edge.is_up for edge in found)
    say = warning if is_any_up else problem
    findings = []
    for edge in found:
        if edge.is_up:
            rtt = "" if edge.rtt_ms is None else f" in {edge.rtt_ms:,.1f} ms"
            findings.append(ok("edge", f"{edge.text} answers{rtt}"))
        elif edge.address is None:
            findings.append(
                say("edge", f"{edge.text}: {edge.error}", f"getent hosts {_host(edge)}")
            )
        else:
            failure = edge.failure or FailReason.NO_ANSWER
            text, mend = _FAILURES.get(failure, ("does not answer", _wake(edge.address)))
            findings.append(say("edge", f"{edge.text} {text}", mend))
    return findings


def _host(edge: Edge) -> str:
    return edge.text.partition("#")[0].rpartition(":")[0] or edge.text


def _wake(address: Address) -> str:
    if address[0] == "::1" or address[0].startswith("127."):
        return "dave run"
    return f"start a node there, and let UDP port {address[1]} through in both directions"


def clock(clocks: Sequence[float], status: Mapping[str, Any] | None) -> Finding | None:
    """This machine's clock against the median of the others'."""
    if clocks:
        behind_ms, voices = median(clocks), len(clocks)
    elif status is not None and status["clock_ahead_seconds"] is not None:
        behind_ms, voices = -1000 * status["clock_ahead_seconds"], status["clock_voices"]
    else:
        return None
    nodes = "1 node" if voices == 1 else f"{voices} nodes"
    seconds = abs(behind_ms) / 1000
    word = "behind" if behind_ms > 0 else "ahead of"
    text = f"this clock is {seconds:,.1f} s {word} that of {nodes}"
    if abs(behind_ms) > CLOCK_AHEAD_MS_MAX:
        return problem("clock", f"{text}: what is signed is refused or expires early", _SET_CLOCK)
    if seconds > LOG_CLOCK_SECONDS:
        return warning("clock", text, _SET_CLOCK)
    return ok("clock", text)


_SET_CLOCK = "sudo timedatectl set-ntp true"


def packets(found: Sequence[Edge]) -> list[Finding]:
    """Whether the largest packets reach the edges, and TCP, which files need."""
    findings = []
    up = [edge for edge in found if edge.is_up]
    for edge in up:
        size = edge.packet_bytes
        if size == PACKET_BYTES_MAX:
            findings.append(
                ok("packets", f"packets of {size:,} bytes get to {edge.text} and are answered")
            )
        else:
            largest = f"those of {size:,} do" if size else "nor do smaller ones"
            findings.append(
                warning(
                    "packets",
                    f"packets of {PACKET_BYTES_MAX:,} bytes do not get to {edge.text} whole; "
                    f"{largest}",
                    f"raise the MTU to {PACKET_BYTES_MAX + 48:,} or more on the way (VPN, tunnel): "
                    "ip link set DEVICE mtu 1500",
                )
            )  # fmt: skip
        if not edge.has_tcp and edge.address is not None:
            findings.append(
                warning(
                    "tcp", f"no TCP connection to {edge.text}: entries go, files do not",
                    f"let TCP port {edge.address[1]} through as well as UDP",
                )
            )  # fmt: skip
    return findings


def answers(found: Sequence[Edge], status: Mapping[str, Any] | None) -> list[Finding]:
    """How many requests are answered: the doctor's own, and those of the node here."""
    findings = []
    asked, answered = (sum(getattr(e, of) for e in found) for of in ("asked", "answered"))
    if asked:
        text = f"{answered} of {asked} packets to edges were answered"
        findings.append(_rate(text, answered / asked))
    if status is not None:
        done, failed = status["requests_answered"], status["requests_failed"]
        if done + failed >= REQUESTS_TOLD_MIN:
            text = f"{done:,} of {done + failed:,} requests of the node here were answered"
            rate = max(ANSWERED_BAD, done / (done + failed))  # no problem: nodes may have died
            findings.append(_rate(text, rate, "if none of its peers went away, "))
    return findings


def _rate(text: str, rate: float, when: str = "") -> Finding:
    if rate >= ANSWERED_GOOD:
        return ok("answers", text)
    say = warning if rate >= ANSWERED_BAD else problem
    mend = f"{when}look for a bad line or a firewall that drops UDP: ping the edge"
    return say("answers", text, mend)


def nat(voices: Sequence[Voice]) -> list[Finding]:
    """What lies between this machine and the others, by where these see it (RFC 4787): the same
    address and port for all, or another for each."""
    findings = []
    for family in ("IPv4", "IPv6"):
        heard = [voice for voice in voices if (":" in voice.voter[0]) == (family == "IPv6")]
        # Who is on this network, or this machine, is not on the other side of anything.
        outside = [voice for voice in heard if not is_private(voice.voter[0])] or heard
        if outside:
            findings.append(_nat_of(family, outside))
    return findings


def _nat_of(family: str, voices: Sequence[Voice]) -> Finding:
    seen = list(dict.fromkeys(voice.seen for voice in voices))
    voters = len({voice.voter for voice in voices})
    see = "1 node sees" if voters == 1 else f"{voters} nodes see"
    where = format_address(seen[0])
    if all(voice.seen == voice.local for voice in voices):
        return ok("nat", f"{family}: none: {see} this machine at its own address, {where}")
    if len(seen) > 1:
        return warning(
            "nat",
            f"{family}: symmetric: {see} this machine at {len(seen)} addresses, such as {where} "
            f"and {format_address(seen[1])}; a client works, a node cannot be reached",
            "have the router keep ports (static port), or run the node on a public machine",
        )
    if voters == 1:
        return ok("nat", f"{family}: there is one, of a kind that one node cannot tell: {where}")
    return ok(
        "nat",
        f"{family}: cone: {see} this machine at {where}; a client works, a node needs its port "
        "forwarded, UDP and TCP",
    )


def reach(
    status: Mapping[str, Any] | None, listen: str = "", dialled: bool | None = None
) -> Finding:
    """Whether others get through to the node here, unasked; or would to one at `listen`: `dialled`
    says whether a stranger did, None if that was not tried."""
    if status is None:
        if dialled is None:
            return ok("reach", "no node runs here; a client need not be reached")
        if dialled:
            return ok("reach", f"others get through to {listen}, where a node would be")
        port = listen.rpartition(":")[2]
        return problem(
            "reach", f"nobody gets through to {listen}, where a node would be",
            f"let the port in, UDP and TCP, at firewall and router: sudo ufw allow {port}",
        )  # fmt: skip
    at = f" at {status['seen_at']}" if status["seen_at"] else ""
    if not status["reached"]:
        port = status["address"].rpartition(":")[2]
        return problem(
            "reach", f"no other node gets through to the node here{at}: it runs as a client",
            f"let the port in, UDP and TCP, at firewall and router: sudo ufw allow {port}",
        )  # fmt: skip
    if not status["peers"]:
        return warning(
            "reach", "the node here knows no other, so nobody has tried to reach it",
            "dave run --edge HOST:PORT, or dave run --lan",
        )  # fmt: skip
    return ok("reach", f"the node here is reached{at}; other nodes known: {status['peers']:,}")
