"""A put's way through a node: what is said when, and that it is true."""

from dave.crypto import hashes, sign
from dave.crypto.work import entry_work, meets
from dave.errors import WireError
from dave.limits import (
    CLOCK_AHEAD_MS_MAX,
    ENTRY_BYTES_MAX,
    ENTRY_HEADER_BYTES,
    FORGED_PER_SESSION,
    PENDING_PUTS_MAX,
    PENDING_PUTS_PER_SESSION,
    PUT_WAITERS_MAX,
    TOMBSTONE_TTL_SECONDS,
)
from dave.store.journal import ENTRY
from dave.wire import messages
from dave.wire.entry import SIGNED_OFFSET, TOMBSTONE, Entry, encode
from dave.wire.messages import Get, Put
from dave.wire.status import PutStatus
from tests.node.helpers import PAID, Stage


def forged(entry: Entry) -> Entry:
    """The same version under a signature that is none."""
    return entry.with_proofs(bytes(64), entry.nonce)


def test_stored_is_said_only_when_the_record_is_committed(stage):
    asker, entry = stage.asker(), stage.entry()
    put = asker.put(entry)
    assert [v.owner for v in stage.verifies] == [entry.owner]
    assert stage.store.get(entry.id, stage.unix_ms) is None
    stage.verify()
    assert asker.status(put) is None
    assert stage.appends[0].record.endswith(entry.data)
    assert stage.appends[0].record[0] == ENTRY
    stage.commit()
    assert asker.status(put) == "STORED"
    assert asker.ask(Get(entry.id)).entry == entry


def test_sequences_start_from_the_count_of_starts_and_are_never_used_twice(stage):
    asker = stage.asker()
    for key in (b"a", b"b"):
        asker.put(stage.entry(key))
    stage.verify()
    sequences = [int.from_bytes(append.record[1:9], "little") for append in stage.appends]
    assert sequences == [(3 << 32) + 1, (3 << 32) + 2]


def test_a_copy_while_the_signature_is_checked_joins(stage):
    first, second, entry = stage.asker(), stage.asker(), stage.entry()
    puts = first.put(entry), second.put(entry)
    assert len(stage.verifies) == len(stage.node.puts) == 1
    stage.verify()
    assert len(stage.appends) == 1
    stage.commit()
    assert [first.status(puts[0]), second.status(puts[1])] == ["STORED", "STORED"]
    assert len(stage.node.puts) == 0


def test_a_copy_while_the_record_is_written_waits_for_the_commit(stage):
    first, second, entry = stage.asker(), stage.asker(), stage.entry()
    put = first.put(entry)
    stage.verify()
    copy = second.put(entry)
    assert not stage.verifies
    assert second.status(copy) is None, "SAME is said only of what is committed"
    stage.commit()
    assert [first.status(put), second.status(copy)] == ["STORED", "STORED"]
    assert second.status(second.put(entry)) == "SAME"
    assert not stage.verifies
    assert not stage.appends


def test_a_copy_under_a_guard_while_the_record_is_written_waits_too(stage):
    asker, entry = stage.asker(), stage.entry()
    asker.put(entry)
    stage.verify()
    guarded = asker.put(entry, 0)
    assert asker.status(guarded) is None
    stage.verify()
    assert asker.status(guarded) is None
    stage.commit()
    assert asker.status(guarded) == "STORED"


def test_a_request_sent_again_is_written_once(stage):
    asker, entry = stage.asker(), stage.entry()
    put = asker.put(entry)
    request = messages.encode(put, Put(entry, None, True))
    asker.send_bytes(request)
    stage.verify()
    assert len(stage.appends) == 1
    answers = []
    asker.on_reply = lambda request_id, reply: answers.append((request_id, reply.status.name))
    stage.commit()
    asker.send_bytes(request)
    assert answers == [(put, "STORED"), (put, "SAME")], "one request, one answer at a time"


def test_forged_is_said_and_leaves_nothing(stage):
    asker = stage.asker()
    entry = forged(stage.entry())
    assert asker.put_now(entry).status is PutStatus.FORGED
    assert len(stage.store) == 0
    assert len(stage.node.puts) == 0


def test_a_forged_copy_does_not_poison_the_genuine_one(stage):
    liar, owner, entry = stage.asker(), stage.asker(), stage.entry()
    bad, good = liar.put(forged(entry)), owner.put(entry)
    assert len(stage.verifies) == 2
    stage.verify()
    assert liar.status(bad) == "FORGED"
    stage.commit()
    assert owner.status(good) == "STORED"
    assert stage.store.get(entry.id, stage.unix_ms) == entry.data


def test_at_most_so_many_are_pending_then_busy(stage):
    askers = [stage.asker() for _ in range(4)]
    asker, entry = stage.asker(), stage.entry()
    puts = [
        (each, each.put(stage.entry(b"%d" % (i * len(askers) + n))))
        for i in range(PENDING_PUTS_MAX // len(askers))
        for n, each in enumerate(askers)
    ]
    assert len(stage.node.puts) == PENDING_PUTS_MAX
    assert asker.status(asker.put(entry)) == "BUSY"
    # Whoever joins takes no place.
    joined = asker.put(stage.entry(b"0"))
    stage.verify()
    assert asker.status(asker.put(entry)) == "BUSY", "what is being written counts as well"
    stage.commit()
    assert {each.status(put) for each, put in [*puts, (asker, joined)]} == {"STORED"}
    assert asker.put_now(entry).status is PutStatus.STORED
    assert stage.node.puts.counts[PutStatus.BUSY] == 2


def test_no_session_takes_all_the_room(stage):
    greedy, other = stage.asker(), stage.asker()
    for i in range(PENDING_PUTS_PER_SESSION):
        greedy.put(stage.entry(b"%d" % i))
    assert greedy.status(greedy.put(stage.entry(b"more"))) == "BUSY"
    mine = other.put(stage.entry(b"mine"))
    stage.verify()
    stage.commit()
    assert other.status(mine) == "STORED"
    assert greedy.put_now(stage.entry(b"more")).status is PutStatus.STORED
    assert not stage.node.puts._by_sender, "no account is left open"


def test_requests_that_wait_for_one_put_are_bounded(stage):
    asker, entry = stage.asker(), stage.entry()
    puts = [asker.put(entry) for _ in range(PUT_WAITERS_MAX + 10)]
    assert [asker.status(put) for put in puts[PUT_WAITERS_MAX:]] == ["BUSY"] * 10
    stage.verify()
    stage.commit()
    assert {asker.status(put) for put in puts[:PUT_WAITERS_MAX]} == {"STORED"}


def test_a_session_that_brings_forged_signatures_ends(stage):
    liar = stage.asker()
    for i in range(FORGED_PER_SESSION):
        liar.put(forged(stage.entry(b"%d" % i)))
        stage.verify()
        is_over = stage.node.sessions.find(liar.address) is None
        assert is_over == (i == FORGED_PER_SESSION - 1)
    assert stage.node.drops.by_name() == {"forger": 1}
    assert not stage.node.puts._forged


def test_low_work_says_how_much_is_asked():
    stage = Stage(PAID)
    asker, entry = stage.asker(), stage.entry(ttl=86_400)
    cheap = entry.with_proofs(entry.signature, bytes(8))
    ack = asker.replies[asker.put(cheap)]
    assert ack.status is PutStatus.LOW_WORK
    assert ack.detail == (len(entry.data) + 600) * entry.ttl // 1024
    assert not stage.verifies, "the stamp is cheaper to check than the signature"
    assert asker.put_now(entry).status is PutStatus.STORED


def test_a_copy_without_a_stamp_cannot_join():
    stage = Stage(PAID)
    asker, entry = stage.asker(), stage.entry()
    asker.put(entry)
    stage.verify()
    cheap = entry.with_proofs(entry.signature, b"no stamp")
    assert asker.status(asker.put(cheap)) == "LOW_WORK"


def test_a_better_stamp_replaces_the_one_being_written():
    stage = Stage(PAID)
    asker, entry = stage.asker(), stage.entry()
    start = int.from_bytes(entry.nonce, "little") + 1
    better = stage.owner.stamped(entry, start)
    while surplus(stage, better) <= surplus(stage, entry):
        start = int.from_bytes(better.nonce, "little") + 1
        better = stage.owner.stamped(entry, start)
    first = asker.put(entry)
    stage.verify()
    second = asker.put(better)
    stage.verify()
    assert len(stage.appends) == 2
    stage.commit()
    assert [asker.status(first), asker.status(second)] == ["STORED", "STORED"]
    assert stage.store.get(entry.id, stage.unix_ms) == better.data
    assert asker.status(asker.put(entry)) == "SAME"


def surplus(stage: Stage, entry: Entry) -> float:
    return stage.store._surplus(entry)


def test_future_and_expired(stage):
    asker = stage.asker()
    ahead = asker.replies[asker.put(stage.entry(ahead_ms=CLOCK_AHEAD_MS_MAX + 1))]
    assert (ahead.status, ahead.detail) == (PutStatus.FUTURE, stage.unix_ms)
    assert asker.put_now(stage.entry(ahead_ms=CLOCK_AHEAD_MS_MAX)).status is PutStatus.STORED
    old = stage.entry(b"old", ahead_ms=-5000, ttl=5)
    assert asker.status(asker.put(old)) == "EXPIRED"


def test_stale_brings_the_held_entry_even_the_largest(stage):
    asker = stage.asker()
    value = bytes(ENTRY_BYTES_MAX - ENTRY_HEADER_BYTES - 3)
    held = stage.entry(value=value)
    assert len(held.data) == ENTRY_BYTES_MAX
    assert asker.put_now(held).status is PutStatus.STORED
    ack = asker.replies[asker.put(stage.entry(value=b"older", ahead_ms=-1))]
    assert (ack.status, ack.held) == (PutStatus.STALE, held)


def test_compare_and_set(stage):
    asker = stage.asker()
    first = stage.entry(value=b"1")
    wrong = asker.replies[asker.put(first, first.time - 1)]
    assert (wrong.status, wrong.held) == (PutStatus.CONFLICT, None)
    assert asker.put_now(first, 0).status is PutStatus.STORED
    assert asker.put_now(first, 0).status is PutStatus.SAME, "asked again after a lost answer"
    second = stage.entry(value=b"2", ahead_ms=1)
    lost = asker.replies[asker.put(second, 0)]
    assert (lost.status, lost.held) == (PutStatus.CONFLICT, first)
    assert asker.put_now(second, first.time).status is PutStatus.STORED
    gone = stage.owner.tombstone(b"key", stage.time(2))
    assert asker.put_now(gone).status is PutStatus.STORED
    third = stage.entry(value=b"3", ahead_ms=3)
    assert asker.put_now(third, 0).status is PutStatus.STORED, "deleted counts as not there"


def test_of_two_guarded_puts_at_once_one_wins(stage):
    """Both are judged before either is verified: the second judgement decides."""
    asker = stage.asker()
    puts = [asker.put(stage.entry(value=v, ahead_ms=i), 0) for i, v in enumerate((b"1", b"2"))]
    assert len(stage.verifies) == 2
    stage.verify()
    stage.commit()
    assert [asker.status(put) for put in puts] == ["STORED", "CONFLICT"]
    assert Entry(stage.store.get(stage.entry().id, stage.unix_ms)).value == b"1"


def test_an_older_version_verified_after_a_newer_one_is_stale(stage):
    asker = stage.asker()
    old, new = asker.put(stage.entry(value=b"old")), asker.put(stage.entry(ahead_ms=1))
    stage.verifies.reverse()
    stage.verify()
    assert asker.status(old) == "STALE"
    stage.commit()
    assert asker.status(new) == "STORED"


def test_an_entry_that_expires_while_it_is_verified_is_not_stored(stage):
    asker = stage.asker()
    put = asker.put(stage.entry(ttl=1))
    stage.now += 2_000_000_000
    stage.verify()
    assert asker.status(put) == "EXPIRED"
    assert not stage.appends


def test_a_failed_write_makes_the_node_read_only(stage):
    asker, kept = stage.asker(), stage.entry(b"kept")
    assert asker.put_now(kept).status is PutStatus.STORED
    put, verifying = asker.put(stage.entry(b"lost")), None
    stage.verify()
    verifying = asker.put(stage.entry(b"verifying"))
    stage.commit(ok=False)
    stage.verify()
    assert [asker.status(put), asker.status(verifying)] == ["READ_ONLY", "READ_ONLY"]
    assert asker.status(asker.put(stage.entry(b"later"))) == "READ_ONLY"
    assert not stage.verifies
    assert not stage.appends
    assert asker.ask(Get(kept.id)).entry == kept


def test_who_went_away_is_not_answered_and_nobody_minds(stage):
    gone, here, entry = stage.asker(), stage.asker(), stage.entry()
    gone.put(entry)
    put = here.put(entry)
    stage.node.sessions.forget(gone.address)
    stage.verify()
    stage.commit()
    assert here.status(put) == "STORED"
    assert not gone.replies


def encoded_again(entry, **changed):
    """The entry with fields changed, under its old signature and nonce."""
    fields = {
        name: getattr(entry, name)
        for name in ("owner", "key", "value", "time", "ttl", "flags", "signature", "nonce")
    }
    return encode(**(fields | changed))


def test_any_field_changed_or_boundary_moved_is_refused(stage):
    entry = stage.entry(b"ab", b"cd")
    other = sign.public_key(bytes(31) + b"\1")
    tombstone = {"flags": TOMBSTONE, "value": b"", "ttl": TOMBSTONE_TTL_SECONDS}
    changes = [
        {"owner": other},
        {"key": b"ac"},
        {"value": b"ce"},
        {"time": entry.time + 1},
        {"time": entry.time - 1},
        {"ttl": entry.ttl + 1},
        {"ttl": entry.ttl - 1},
        {"key": b"a", "value": b"bcd"},
        {"key": b"abc", "value": b"d"},
        {"key": b"abcd", "value": b""},
        tombstone,
        {"signature": bytes(64)},
    ]
    for change in changes:
        asker = stage.asker()
        assert asker.put_now(Entry(encoded_again(entry, **change))).status is PutStatus.FORGED
    assert len(stage.store) == 0
    assert stage.asker().put_now(entry).status is PutStatus.STORED


def test_a_stamp_is_good_for_one_version_only():
    stage = Stage(PAID)
    entry = stage.entry(b"ab", b"cd", ttl=86_400)
    for i in range(len(entry.data) - SIGNED_OFFSET):
        at = SIGNED_OFFSET + i
        for flip in (1, 0x80):
            data = entry.data[:at] + bytes((entry.data[at] ^ flip,)) + entry.data[at + 1 :]
            try:
                changed = Entry(data)
            except WireError:
                continue
            work = entry_work(len(data), changed.ttl)
            stamp = hashes.entry_stamp(changed.digest(PAID), changed.nonce)
            assert not meets(stamp, work), f"the byte at {at} is not bound by the stamp"
    assert stage.asker().put_now(entry).status is PutStatus.STORED


def test_an_entry_that_came_in_an_answer_is_stored_and_nobody_is_told(stage):
    asker, entry = stage.asker(), stage.entry()
    session = asker.open()
    asker.send_bytes(b"")
    theirs = stage.node.sessions.find(asker.address)
    assert session.address != theirs.address
    stage.node.puts.adopt(entry, theirs, stage.now)
    assert stage.node.puts.is_under_way(entry.id)
    put = asker.put(entry)
    stage.verify()
    stage.commit()
    assert asker.status(put) == "STORED", "a copy joins, and is told"
    assert len(asker.replies) == 1
    assert not stage.node.puts.is_under_way(entry.id)
    assert sum(stage.node.puts.counts) == 1


def test_what_was_committed_is_reported_with_whether_others_have_it(stage):
    told = []
    stage.node.puts.on_stored = lambda put, now: told.append((put.entry_id, put.is_direct))
    asker, one, two, bad = stage.asker(), stage.entry(b"1"), stage.entry(b"2"), stage.entry(b"3")
    asker.put(one)
    asker.put(two)
    asker.put(two, is_direct=False)  # one of the two who put it reaches only us
    stage.verify()
    assert told == []
    stage.commit()
    assert told == [(one.id, True), (two.id, False)]
    asker.put(bad)
    stage.verify()
    stage.commit(ok=False)
    assert len(told) == 2
