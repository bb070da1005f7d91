"""Each answer of the world goes to who asked."""

import pytest

from dave.effects import DropShares, ReadShare, Rebuild, SaveRecord, SaveRelease, Verify, WriteShare
from dave.node.shares.effects import ShareEffects
from dave.store.shares import Gone
from dave.wire.stripe import Release, StripeRecord, encode_record, encode_release


def test_each_is_told_once_under_its_own_ticket():
    effects, emitted, told = ShareEffects(lambda effect: emitted.append(effect)), [], []

    def done(name):
        return lambda result, now: told.append((name, result, now))

    release = Release(encode_release(b"o" * 32, b"r" * 16, 7))
    record = StripeRecord(encode_record(b"o" * 32, b"r" * 16, 7, 60, (2, 3, 9, 7), bytes(96)))
    effects.verify(b"o" * 32, b"signed", done("verify"))
    effects.write(b"a" * 32, [b"bytes"], b"record", 5, done("write"))
    effects.save(b"record", 5, done("save"))
    effects.save_release(release, done("release"))
    effects.read(b"a" * 32, 3, 4, done("read"))
    effects.rebuild(record, {0: b"x" * 9, 2: b"y" * 9}, [1], done("rebuild"))
    assert emitted == [
        Verify(-1, b"o" * 32, b"signed"),
        WriteShare(-2, b"a" * 32, [b"bytes"], b"record", 5),
        SaveRecord(-3, b"record", 5),
        SaveRelease(-4, b"o" * 32, b"r" * 16),
        ReadShare(-5, b"a" * 32, 3, 4),
        Rebuild(-6, (2, 3, 9, 7), {0: b"x" * 9, 2: b"y" * 9}, [1]),
    ]
    for ticket in (-4, -1, -6, -2, -5, -3):
        effects.answered(ticket, ticket, 100)
    assert [name for name, _, _ in told] == [
        "release", "verify", "rebuild", "write", "read", "save",
    ]  # fmt: skip
    assert len(effects) == 0
    with pytest.raises(KeyError):
        effects.answered(-1, True, 100)


def test_nothing_is_dropped_where_nothing_is_gone():
    emitted = []
    effects = ShareEffects(emitted.append)
    effects.drop(Gone())
    effects.drop(Gone([b"a"], []))
    assert emitted == [DropShares([b"a"], [])]
