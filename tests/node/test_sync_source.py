"""What is told to who pulls: by intervals without a gap, and only what it should hold."""

from dave.drops import Drop
from dave.limits import SYNC_NAMES_MAX
from dave.node.limits import SYNC_LOOKED_MAX, SYNC_NAMED_MAX, SYNC_PIECE_BYTES_MAX
from dave.wire import sync
from tests.node.helpers import Stage
from tests.node.replica_helpers import Replica, version_of

START = 3 << 32
ID = bytes(16)


def stage_with(count, size=20, others=0):
    """A node that holds so many entries, and a neighbour; and others."""
    stage = Stage()
    peer, *_ = [Replica(stage) for _ in range(1 + others)]
    entries = [stage.entry(b"%d" % i, bytes(size)) for i in range(count)]
    for i, entry in enumerate(entries):
        stage.store.insert(entry, entry.id, START + i + 1, stage.unix_ms, 0)
        stage.node.replicas.index.add(version_of(stage, entry).short_digest, entry.id)
    stage.node.puts.committed = START + count
    return stage, peer, entries


def serve(stage, peer, request):
    return stage.node.sources.serve(peer.identity.public_key, request.encode(), stage.now)


def pieces(stage, source, kind):
    read = []
    while (data := source.next_piece(stage.now)) is not None:
        read.append(kind.read(data))
    source.close()
    return read


def names(stage, peer, since=0, upto=None):
    upto = stage.node.puts.committed if upto is None else upto
    return pieces(stage, serve(stage, peer, sync.NamesRequest(ID, since, upto)), sync.NamesPiece)


def sequences(read):
    return [piece.since + offset for piece in read for offset, _ in piece.names]


def test_names_cover_an_interval_without_a_gap():
    stage, peer, entries = stage_with(3 * SYNC_LOOKED_MAX)
    read = names(stage, peer, START + 10)
    assert sequences(read) == list(range(START + 11, START + len(entries) + 1))
    assert [piece.since for piece in read[1:]] == [piece.upto for piece in read[:-1]]
    assert (read[0].since, read[-1].upto) == (START + 10, START + len(entries))
    told = [digest for piece in read for _, digest in piece.names]
    assert told == [version_of(stage, entry).short_digest for entry in entries[10:]]


def test_an_empty_interval_is_told_as_such():
    stage, peer, _ = stage_with(0)
    assert names(stage, peer, 5, 9) == [sync.NamesPiece(5, 9, ())]


def test_names_reach_over_the_starts_of_a_process():
    stage, peer, _ = stage_with(2)
    old = stage.entry(b"old")
    stage.store.insert(old, old.id, 7, stage.unix_ms, 0)
    stage.store.log.settle()
    read = names(stage, peer)
    assert sequences(read) == [7, START + 1, START + 2]


def test_names_end_early_where_they_are_many():
    stage, peer, _ = stage_with(SYNC_NAMES_MAX + 10)
    read = names(stage, peer)
    count = len(sequences(read))
    assert SYNC_NAMES_MAX - SYNC_LOOKED_MAX < count <= SYNC_NAMES_MAX
    rest = names(stage, peer, read[-1].upto)
    assert len(sequences(rest)) == SYNC_NAMES_MAX + 10 - count


def test_what_is_not_committed_or_has_gone_is_not_told():
    stage, peer, _ = stage_with(10)
    newer = stage.entry(b"3", b"newer", ahead_ms=5)
    stage.store.insert(newer, newer.id, START + 11, stage.unix_ms, 0)
    brief = stage.entry(b"brief", ttl=1)
    stage.store.insert(brief, brief.id, START + 12, stage.unix_ms, 0)
    pending = stage.entry(b"pending")
    stage.store.insert(pending, pending.id, START + 13, stage.unix_ms, 0)
    stage.node.puts.committed = START + 12
    stage.now += 2 * 10**9
    told = sequences(names(stage, peer))
    assert told == [START + n for n in (1, 2, 3, 5, 6, 7, 8, 9, 10, 11)]


def test_entries_come_by_runs_in_pieces():
    stage, peer, entries = stage_with(150, 1000)
    runs = ((1, 2), (10, 1), (20, 120))
    request = sync.EntriesRequest(ID, START, runs)
    read = pieces(stage, serve(stage, peer, request), sync.EntriesPiece)
    wanted = [*entries[0:2], entries[9], *entries[19:139]]
    assert [entry for piece in read for entry in piece.entries] == wanted
    assert read[-1].upto == START + 139
    assert [piece.upto for piece in read] == sorted(piece.upto for piece in read)
    most = max(len(piece.encode()) for piece in read)
    assert most <= SYNC_PIECE_BYTES_MAX + 1300
    assert len(read) > 3


def test_runs_of_nothing_are_told_as_done():
    stage, peer, _ = stage_with(3)
    stage.node.puts.committed = START + 204
    request = sync.EntriesRequest(ID, START, ((100, 5), (200, 5)))
    assert pieces(stage, serve(stage, peer, request), sync.EntriesPiece) == [
        sync.EntriesPiece(START + 204, ())
    ]


def test_nothing_is_said_of_sequences_that_are_not_committed():
    """An asker may have heard of a journal that another one has replaced since. What comes to stand
    under those sequences must not be behind its clock."""
    stage, peer, _ = stage_with(3)
    read = names(stage, peer, START, START + 100)
    assert sequences(read) == [START + 1, START + 2, START + 3]
    assert read[-1].upto == START + 3
    for since, upto in ((3, 3), (3, 100), (100, 200)):
        assert serve(stage, peer, sync.NamesRequest(ID, START + since, START + upto)) is None
    runs = ((1, 2), (3, 2))
    assert serve(stage, peer, sync.EntriesRequest(ID, START, runs)) is None
    stage.node.puts.committed = START + 4
    assert serve(stage, peer, sync.EntriesRequest(ID, START, runs)) is not None


def test_only_what_the_asker_should_hold():
    stage, peer, entries = stage_with(20, others=30)
    told = sequences(names(stage, peer))
    regions = stage.node.replicas.regions
    places = [int.from_bytes(entry.id[:8], "big") for entry in entries]
    wanted = [
        START + i + 1
        for i, place in enumerate(places)
        if regions.includes(place, peer.id, stage.now)
    ]
    assert told == wanted
    assert 0 < len(told) < 20


def test_who_is_not_known_and_what_is_not_ours_is_refused():
    stage, peer, _ = stage_with(1)
    request = sync.NamesRequest(ID, 0, START)
    assert stage.node.sources.serve(b"?" * 32, request.encode(), stage.now) is None
    assert serve(stage, peer, request._replace(journal_id=b"x" * 16)) is None
    drops = stage.node.drops.counts[Drop.WIRE]
    key = peer.identity.public_key
    assert stage.node.sources.serve(key, request.encode() + b"?", stage.now) is None
    assert stage.node.drops.counts[Drop.WIRE] == drops + 1


def test_what_the_asker_says_to_hold_is_its_promise():
    stage, peer, entries = stage_with(100)
    upto = names(stage, peer)[-1].upto
    bits = sum(1 << i for i in range(100) if i % 3)
    told = sync.HeldRequest(ID, 0, upto, bits.to_bytes(13, "little"))
    noted = pieces(stage, serve(stage, peer, told), sync.HeldPiece)
    assert sum(piece.noted for piece in noted) == 66
    promised = [i for i, entry in enumerate(entries) if peer.promised(entry)]
    assert promised == [i for i in range(100) if i % 3]
    assert serve(stage, peer, told) is None, "once"


def test_only_for_the_names_told_last():
    stage, peer, _ = stage_with(5)
    told = sync.HeldRequest(ID, 0, START, b"\x1f")
    assert serve(stage, peer, told) is None
    names(stage, peer)
    assert serve(stage, peer, told) is None


def test_names_are_remembered_for_a_few_peers():
    stage, _, _ = stage_with(1)
    peers = [Replica(stage) for _ in range(SYNC_NAMED_MAX + 2)]
    for peer in peers:
        names(stage, peer)
    assert len(stage.node.sources.named) == SYNC_NAMED_MAX
