"""What a node tells of itself: the figures behind `dave status` and `dave peers`."""

import os
import time
from typing import TYPE_CHECKING, Any

from dave import __version__
from dave.edge.addresses import format_address
from dave.names import SECOND, Instant
from dave.peers.contact import Contact
from dave.uri import owner_name
from dave.wire.status import PutStatus

if TYPE_CHECKING:
    from dave.edge.journal_file import Replay
    from dave.edge.node import Node
    from dave.node.node import Node as Core


def status_of(node: "Node") -> dict[str, Any]:
    """How the node is doing; units in the names."""
    core, world, lan = node.core, node.world, node.lan
    failure = world.journal.failure
    seen_at, udp = core.reach.own.value, node.listeners.counts
    return {
        "address": node.address,
        "http": None if node.http is None else f"http://{node.http.address}/",
        "seen_at": None if seen_at is None else format_address(seen_at),
        "reached": core.is_reached,
        "key": node.public_key,
        "id": f"{core.id:016x}",
        "network": core.network.name,
        "version": __version__,
        "pid": os.getpid(),
        "uptime_seconds": round(time.monotonic() - node.started_at, 1),
        "peers": len(core.table),
        "sessions": len(core.sessions),
        "bulk_connections": core.streams.links,
        "watches": len(core.leases),
        "entries": len(core.store),
        "bytes_used": core.store.bytes_used,
        "bytes_capacity": node.config.capacity,
        "sync": world.sync.value,
        "journal_bytes": world.journal.bytes_on_disk,
        "read_only": None if failure is None else str(failure),
        "journal_damage": damage_texts(node.replay),
        "state_failure": node.state.failure,
        "state_notes": list(node.state.notes),
        "files": None if world.shares is None else world.shares.status(),
        "upkeep": None if core.upkeep is None else core.upkeep.status(),
        "clock_ahead_seconds": clock_ahead(core, time.monotonic_ns()),
        "kept": len(node.renewals),
        "puts": {s.name.lower(): n for s in PutStatus if (n := core.puts.counts[s])},
        "puts_waiting": len(core.puts),
        "gets_found": core.gets_found,
        "gets_absent": core.gets_absent,
        "requests_answered": sum(len(each.round_trip) for each in core.requests.counts.values()),
        "requests_failed": sum(each.failed for each in core.requests.counts.values()),
        "clock_voices": len(core.peer_clocks),
        "lan": None if lan is None else {"beacons_sent": lan.sent, "beacons_heard": lan.heard},
        "received_bytes": udp.received_bytes,
        "sent_bytes": udp.sent_bytes,
        "drops": core.drops.by_name(),
        "kernel_drops": udp.kernel_drops,
        "send_drops": udp.queue_drops,
    }


def clock_ahead(core: "Core", now: Instant) -> float | None:
    """By how many seconds this machine's clock is ahead of other nodes' (negative: behind); None
    where nobody has said."""
    ahead_ms = core.peer_clocks.ahead_ms(core.unix_ms(now), now)
    return None if ahead_ms is None else ahead_ms / 1000


def damage_texts(replay: "Replay") -> list[str]:
    """What reading the journal found wrong, a sentence each."""
    return [
        f"{found.path.name}: an unfinished record at the end was cut off "
        f"({found.end - found.start} bytes)"
        for found in replay.torn
    ] + [
        f"{found.path.name}: bytes {found.start} to {found.end} are damaged and were skipped; "
        "the file is kept"
        for found in replay.damage
    ]


def peers_of(node: "Node") -> dict[str, Any]:
    """The contacts in the routing table, in order of id."""
    now = time.monotonic_ns()
    return {"peers": [_peer(node, contact, now) for contact in node.core.table]}


def _peer(node: "Node", contact: Contact, now: Instant) -> dict[str, Any]:
    """One contact; `trust` and `since_seconds` are None before it was tested, `kept` and `broken`
    are promises, of which old ones count less."""
    table, trust = node.core.table, node.core.trust
    rtt, heard = table.rtt(contact.id), table.heard(contact.id)
    evidence = trust.evidence(contact.id)
    return {
        "id": f"{contact.id:016x}",
        "address": format_address(contact.address),
        "key": owner_name(contact.public_key),
        "trust": None if evidence is None else round(trust.score(contact.id, now), 4),
        "kept": 0.0 if evidence is None else round(evidence.kept, 2),
        "broken": 0.0 if evidence is None else round(evidence.broken, 2),
        "since_seconds": None if evidence is None else round((now - evidence.since) / SECOND, 1),
        "rtt_ms": None if rtt is None else rtt / 1e6,
        "heard_seconds_ago": round((now - (heard or now)) / SECOND, 1),
    }
