"""What a node can be measured by: the table behind `/metrics` and its page in docs/.

Names, units and kinds follow the conventions of Prometheus: base units, `_total` for what only
grows, at most one label, whose values are few and fixed (shards, named reasons, kinds of messages).
Nothing here depends on a library: dave/edge/http/metrics.py hands the table to one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from time import monotonic, time
from typing import TYPE_CHECKING, NamedTuple

from dave import __version__
from dave.drops import Drop
from dave.edge.status import clock_ahead
from dave.histogram import Histogram
from dave.names import Instant
from dave.node.core import Core
from dave.node.requests import REPLIES, RequestCounts
from dave.node.results import Found
from dave.node.shares.stripe_repair import StripeRepair
from dave.session.session import FailReason
from dave.store.shard import Gone
from dave.wire.status import PutStatus

if TYPE_CHECKING:
    from dave.edge.node import Node


class Kind(Enum):
    """What a metric is; the values are Prometheus's words."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    """Of nanoseconds, told in seconds."""
    INFO = "info"


class View(NamedTuple):
    """What the table is read from."""

    node: "Node"
    cores: Sequence[Core]
    """The node's own, and that of the client by which it serves HTTP."""
    now: Instant


Number = int | float
Value = Number | Histogram | Mapping[str, Number] | Mapping[str, Histogram] | Mapping[str, str]
Read = Callable[[View], Value | None]


class Metric(NamedTuple):
    """A row of the table."""

    name: str
    kind: Kind
    text: str
    read: Read
    """A number, a Histogram, or a mapping by the label's values; an info's labels and what they
    say; None: there is nothing to say now."""
    label: str = ""
    """The name of the one label; empty: none."""


def _info(view: View) -> Mapping[str, str]:
    core = view.node.core
    return {
        "version": __version__, "network": core.network.name, "id": f"{core.id:016x}",
        "key": view.node.public_key,
    }  # fmt: skip


def _trust(view: View) -> Mapping[str, int]:
    core = view.node.core
    found = dict.fromkeys(("untested", "low", "middle", "high"), 0)
    for contact in core.table:
        score = core.trust.score(contact.id, view.now)
        is_tested = core.trust.evidence(contact.id) is not None
        found["high" if score >= 0.9 else "middle" if score >= 0.5 else
              "low" if is_tested else "untested"] += 1  # fmt: skip
    return found


def _by_name(names: Iterable[Enum], counts: Sequence[int]) -> Mapping[str, int]:
    return {each.name.lower(): n for each, n in zip(names, counts, strict=True)}


def _sums(counts: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*counts, strict=True)]


def _joined(histograms: Iterable[Histogram]) -> Histogram:
    joined = Histogram()
    for each in histograms:
        joined.counts = _sums((joined.counts, each.counts))
        joined.total += each.total
    return joined


def _gets(view: View) -> Mapping[str, int]:
    ended = _sums(core.tally.gets for core in view.cores)
    return {"found": ended[Found.FOUND], "absent": ended[Found.ABSENT],
            "failed": ended[Found.UNREACHABLE]}  # fmt: skip


def _puts(view: View) -> Mapping[str, int]:
    failed, stored = _sums(core.tally.puts for core in view.cores)
    return {"stored": stored, "failed": failed}


def _handshakes(view: View) -> Mapping[str, int]:
    tally = view.node.core.tally
    return {"connected": tally.connected, "accepted": tally.accepted,
            **_by_name(FailReason, tally.failed)}  # fmt: skip


_NONE = RequestCounts()


def _requests(read: Callable[[RequestCounts], int]) -> Read:
    def of(view: View) -> Mapping[str, int]:
        counts = view.node.core.requests.counts
        return {kind.__name__.lower(): read(counts.get(kind, _NONE)) for kind in REPLIES}

    return of


def _round_trips(view: View) -> Mapping[str, Histogram]:
    counts = view.node.core.requests.counts
    return {kind.__name__.lower(): counts.get(kind, _NONE).round_trip for kind in REPLIES}


def _shards(which: int) -> Read:
    return lambda view: {str(n): load[which] for n, load in enumerate(view.node.core.store.loads())}


def _challenges(view: View) -> Mapping[str, int]:
    audits = view.node.core.audits
    return {"kept": audits.kept, "broken": audits.broken, "offline": audits.offline,
            "unsettled": audits.unsettled}  # fmt: skip


def _syncs(view: View) -> Mapping[str, int]:
    return {"done": view.node.core.syncs.pulls, "failed": view.node.core.syncs.failed}


def _share_audits(view: View) -> Mapping[str, int] | None:
    upkeep = view.node.core.upkeep
    if upkeep is None:
        return None
    audits = upkeep.audits
    return {"kept": audits.kept, "broken": audits.broken, "offline": audits.offline}


def _shares(name: str) -> Read:
    return lambda view: None if (s := view.node.world.shares) is None else s.status()[name]


def _repair(read: Callable[[StripeRepair], int]) -> Read:
    return lambda view: None if (u := view.node.core.upkeep) is None else read(u.repair)


C, G, H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

METRICS = (
    # The node itself
    Metric("dave_node_info", Kind.INFO, "Which node this is, of which network.", _info),
    Metric("dave_start_time_seconds", G, "When the node started, Unix time.",
           lambda v: round(time() - monotonic() + v.node.started_at, 2)),
    Metric("dave_reached", G, "1: other nodes reach this one; 0: it goes as a client.",
           lambda v: int(v.node.core.is_reached)),
    Metric("dave_read_only", G, "1: the journal cannot be written, and puts are refused.",
           lambda v: int(v.node.world.journal.failure is not None)),
    Metric("dave_state_failed", G, "1: what the node remembers of its peers cannot be written.",
           lambda v: int(v.node.state.failure is not None)),
    Metric("dave_clock_ahead_seconds", G,
           "How far this clock is ahead of those of most peers, within half a round trip.",
           lambda v: clock_ahead(v.node.core, v.now)),
    Metric("dave_loop_lag_seconds", H, "How late the event loop came to a task due each second.",
           lambda v: v.node.house.lag),
    # Peers
    Metric("dave_active_nodes", G, "Nodes known that answered when they were asked last.",
           lambda v: v.node.core.table.alive),
    Metric("dave_known_nodes", G, "Nodes in the routing table.", lambda v: len(v.node.core.table)),
    Metric("dave_trusted_nodes", G, "Nodes in the routing table by the trust they have earned in "
           "storage challenges: low below 0.5, high from 0.9.", _trust, "trust"),
    Metric("dave_sessions", G, "Sessions that are good.", lambda v: len(v.node.core.sessions)),
    Metric("dave_handshakes_total", C, "Handshakes that led to a session, begun here (connected) "
           "or by others (accepted), and why others begun here did not.", _handshakes, "result"),
    # What it stores
    Metric("dave_stored_entries", G, "Entries held, by shard.", _shards(0), "shard"),
    Metric("dave_stored_bytes", G, "What they count against the capacity: 600 bytes more each.",
           _shards(1), "shard"),
    Metric("dave_capacity_bytes", G, "Memory for entries (--capacity).",
           lambda v: v.node.config.capacity),
    Metric("dave_removed_versions_total", C, "Versions that left the store.",
           lambda v: _by_name(Gone, v.node.core.replicas.gone), "reason"),
    Metric("dave_journal_bytes", G, "The journal on disk.",
           lambda v: v.node.world.journal.bytes_on_disk),
    Metric("dave_journal_sync_seconds", H, "What each fsync of the journal took.",
           lambda v: v.node.world.journal.sync_time),
    # What it serves
    Metric("dave_gets_total", C, "Gets answered from the store of this node.",
           lambda v: {"found": v.node.core.gets_found, "absent": v.node.core.gets_absent},
           "result"),
    Metric("dave_puts_total", C, "Puts answered, by the status that was sent.",
           lambda v: _by_name(PutStatus, v.node.core.puts.counts), "status"),
    Metric("dave_puts_waiting", G, "Puts on their way through the node.",
           lambda v: len(v.node.core.puts)),
    Metric("dave_put_seconds", H, "From the arrival of a put that is stored to its answer.",
           lambda v: v.node.core.puts.put_time),
    Metric("dave_put_verify_seconds", H, "Of that, until its signature was verified.",
           lambda v: v.node.core.puts.verify_time),
    Metric("dave_put_commit_seconds", H, "Of that, from then until it was committed.",
           lambda v: v.node.core.puts.commit_time),
    Metric("dave_verify_waiting", G, "Signatures that wait for their verification.",
           lambda v: v.node.world.verifier.pending),
    Metric("dave_verify_workers", G, "Processes that verify signatures.",
           lambda v: len(v.node.world.verifier.pids)),
    Metric("dave_watches", G, "Watches on entries of this node.",
           lambda v: len(v.node.core.leases)),
    Metric("dave_notifications_total", C, "Notifications sent to watchers, repeated ones too.",
           lambda v: v.node.core.leases.notified),
    # What it does itself, for HTTP and renewals
    Metric("dave_own_gets_total", C, "Gets by this node in the network, by how they ended; failed: "
           "too few nodes answered.", _gets, "result"),
    Metric("dave_own_get_seconds", H, "What these took.",
           lambda v: _joined(core.tally.get_time for core in v.cores)),
    Metric("dave_own_puts_total", C, "Puts by this node in the network: stored by a quorum or not.",
           _puts, "result"),
    Metric("dave_own_put_seconds", H, "What these took until the quorum, or the failure.",
           lambda v: _joined(core.tally.put_time for core in v.cores)),
    Metric("dave_renewed_entries", G, "Names that this node keeps renewed (dave keep).",
           lambda v: len(v.node.renewals)),
    # Work
    Metric("dave_node_difficulty", G, "Leading zero bits that a node's id must have here.",
           lambda v: v.node.core.network.node_work_bits),
    Metric("dave_stamps_checked_total", C, "Stamps of entries that were checked.",
           lambda v: v.node.core.puts.stamps),
    Metric("dave_stamp_hashes_total", C, "Hashes that this node spent on stamps of its own.",
           lambda v: sum(core.tally.hashes for core in v.cores)),
    # The network
    Metric("dave_requests_total", C, "Requests sent to nodes, by kind.",
           _requests(lambda counts: counts.asked), "kind"),
    Metric("dave_requests_failed_total", C, "Of these, those that got no answer.",
           _requests(lambda counts: counts.failed), "kind"),
    Metric("dave_requests_repeated_total", C, "Requests sent once more.",
           lambda v: v.node.core.requests.repeated),
    Metric("dave_request_seconds", H, "From a request to its answer, handshakes and repeats "
           "included.", _round_trips, "kind"),
    Metric("dave_udp_received_datagrams_total", C, "Datagrams received.",
           lambda v: v.node.listeners.counts.received),
    Metric("dave_udp_received_bytes_total", C, "UDP payload received.",
           lambda v: v.node.listeners.counts.received_bytes),
    Metric("dave_udp_sent_datagrams_total", C, "Datagrams sent.",
           lambda v: v.node.listeners.counts.sent),
    Metric("dave_udp_sent_bytes_total", C, "UDP payload sent.",
           lambda v: v.node.listeners.counts.sent_bytes),
    Metric("dave_udp_kernel_drops_total", C, "Datagrams that the kernel dropped as the node read "
           "too slowly.",
           lambda v: v.node.listeners.counts.kernel_drops),
    Metric("dave_udp_unsent_total", C, "Datagrams not sent since too many waited.",
           lambda v: v.node.listeners.counts.queue_drops),
    Metric("dave_udp_errors_total", C, "Sends and receives that failed.",
           lambda v: v.node.listeners.counts.errors),
    Metric("dave_drops_total", C, "Datagrams and messages dropped, by reason (dave/drops.py).",
           lambda v: _by_name(Drop, v.node.core.drops.counts), "reason"),
    Metric("dave_bulk_connections", G, "TCP connections with other nodes and clients.",
           lambda v: v.node.core.streams.links),
    Metric("dave_bulk_streams", G, "Streams on them that this node answers now.",
           lambda v: v.node.core.streams.served),
    Metric("dave_bulk_received_bytes_total", C, "TCP payload received.",
           lambda v: v.node.bulk.bytes_received),
    Metric("dave_bulk_sent_bytes_total", C, "TCP payload sent.",
           lambda v: v.node.bulk.bytes_sent),
    # Replicas
    Metric("dave_challenges_total", C, "Storage challenges to peers, by how they ended.",
           _challenges, "result"),
    Metric("dave_proofs_total", C, "Storage challenges of peers that were answered.",
           lambda v: v.node.core.proofs.answered),
    Metric("dave_announced_versions_total", C, "Versions announced to peers.",
           lambda v: v.node.core.replicas.announcer.named),
    Metric("dave_announced_wanted_total", C, "Of these, those that a peer asked for.",
           lambda v: v.node.core.replicas.announcer.wanted),
    Metric("dave_wanted_versions_total", C, "Versions that this node asked of peers that had "
           "announced them.", lambda v: v.node.core.replicas.wanted),
    Metric("dave_handed_on_entries_total", C, "Entries that a peer stored as this node handed them "
           "on.", lambda v: v.node.core.replicas.announcer.handed_on),
    Metric("dave_repair_sweeps_total", C, "Sweeps through the store for what lacks replicas.",
           lambda v: v.node.core.replicas.repair.sweeps),
    Metric("dave_repair_lacking_total", C, "What these found that lacks some, each time anew.",
           lambda v: v.node.core.replicas.repair.lacking),
    Metric("dave_syncs_total", C, "Pulls of what a peer had and this node lacked.", _syncs,
           "result"),
    Metric("dave_synced_entries_total", C, "Entries that came so.",
           lambda v: v.node.core.syncs.pulled),
    # Shares of files; absent on a node without room for them
    Metric("dave_shares", G, "Shares of files held.", _shares("shares")),
    Metric("dave_shares_bytes", G, "What they count against the capacity.", _shares("bytes_used")),
    Metric("dave_shares_capacity_bytes", G, "Disk for shares (--blob-capacity).",
           _shares("bytes_capacity")),
    Metric("dave_shares_scrubbed_total", C, "Shares read over again.", _shares("scrubbed")),
    Metric("dave_shares_damaged_total", C, "Shares found damaged on this disk.",
           _shares("damaged")),
    Metric("dave_share_audits_total", C, "Audits of shares of peers, by how they ended.",
           _share_audits, "result"),
    Metric("dave_stripes_lacking", G, "Stripes seen to lack shares, and not mended yet.",
           _repair(len)),
    Metric("dave_stripes_mended_total", C, "Stripes that this node made whole.",
           _repair(lambda repair: repair.mended)),
    Metric("dave_shares_rebuilt_total", C, "Shares computed anew for that.",
           _repair(lambda repair: repair.rebuilt)),
)  # fmt: skip
"""All of them, in the order in which they are told."""

PROCESS = (
    ("process_virtual_memory_bytes", "gauge", "Address space."),
    ("process_resident_memory_bytes", "gauge", "Memory that is resident."),
    ("process_start_time_seconds", "gauge", "When the process started, Unix time."),
    ("process_cpu_seconds_total", "counter", "User and system time."),
    ("process_open_fds", "gauge", "Open files and sockets."),
    ("process_max_fds", "gauge", "How many there may be."),
)
"""What prometheus-client adds, on Linux: name, kind, what it is."""
