"""The database of shares: what is committed is found again, what is damaged is left out."""

import random
import sqlite3

import pytest

from dave.edge.shares.database import ShareDatabase
from dave.effects import DropShares, SaveRecord, SaveRelease, WriteShare
from dave.share_limits import RELEASES_MAX
from tests.edge.databases import files_of, lay_out, set_aside_in
from tests.edge.share_making import key_of, record_of, release_of, share
from tests.store.helpers import NOW


def save(record, mask=1):
    return SaveRecord(0, record.data, mask)


def rows(database):
    """{(stripe, owner, reference): (record, mask)} of what is in it."""
    return {key_of(record): (record, mask) for record, mask, _ in database.records()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shares.db"


def test_nothing_is_made_before_the_first_commit(path):
    database = ShareDatabase(path)
    assert (rows(database), list(database.releases()), database.notes) == ({}, [], [])
    database.sync()
    database.close()
    assert not path.exists()


@pytest.mark.parametrize("is_eager", [True, False])
def test_what_is_committed_is_found_again(path, is_eager):
    one, two = record_of(share(1), share(2)), record_of(share(1), share(2), upload=2)
    database = ShareDatabase(path, is_eager=is_eager)
    database.commit([save(one, 1), save(two, 2), WriteShare(1, b"", (), one.data, 2)])
    database.sync()
    database.close()
    database = ShareDatabase(path, is_eager=is_eager)
    assert rows(database) == {key_of(one): (one, 3), key_of(two): (two, 2)}
    assert all(is_saved for _, _, is_saved in database.records())
    database.commit([DropShares((), [key_of(one)]), save(one, 1), DropShares((), [key_of(two)])])
    assert rows(database) == {key_of(one): (one, 1)}
    database.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_newer_record_stays_whatever_the_order(path):
    old, new = record_of(share(1)), record_of(share(1), at=NOW + 1)
    database = ShareDatabase(path)
    for first, second in ((old, new), (new, old)):
        database.commit([save(first, 1), save(second, 1)])
        assert rows(database) == {key_of(new): (new, 1)}
        database.commit([DropShares((), [key_of(new)])])
    database.close()


def test_releases_are_kept_in_their_order_and_bounded(path):
    database = ShareDatabase(path)

    def release(n):
        word = release_of(n)
        return SaveRelease(0, word.owner, word.reference)

    database.commit([release(1), release(2), release(1)])
    assert [int.from_bytes(reference, "big") for _, reference in database.releases()] == [2, 1]
    database.commit([release(n) for n in range(RELEASES_MAX)])
    found = [int.from_bytes(reference, "big") for _, reference in database.releases()]
    assert found == list(range(RELEASES_MAX))
    database.close()


def test_a_transaction_is_whole_or_not_at_all(path):
    database, record = ShareDatabase(path), record_of(share(1))
    too_far = record_of(share(2), at=2**47)
    with pytest.raises(OverflowError):
        database.commit([save(record), save(too_far)])
    assert rows(database) == {}
    database.commit([save(record)])
    assert len(rows(database)) == 1
    database.close()


def fill(path, count=200):
    records = [record_of(share(n, 50)) for n in range(count)]
    database = ShareDatabase(path)
    database.commit([save(record) for record in records])
    database._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    database.close()
    return {key_of(record): (record, 1) for record in records}


def test_a_row_that_is_damaged_is_left_out(path):
    kept = fill(path, 3)
    connection = sqlite3.connect(path)
    victim = min(kept)
    flipped = bytearray(kept[victim][0].data)
    flipped[90] ^= 1
    connection.execute("UPDATE records SET record = ? WHERE stripe = ?", (flipped, victim[0]))
    connection.commit()
    connection.close()
    database = ShareDatabase(path)
    assert rows(database) == {key: row for key, row in kept.items() if key != victim}
    database.close()


def test_a_damaged_database_is_set_aside_and_what_can_be_read_taken_over(path, tmp_path):
    kept, rng, taken = fill(path), random.Random(3), []
    whole = files_of(path)
    for _ in range(25):
        content = bytearray(whole[""])
        at = rng.randrange(len(content) - 600)
        content[at : at + 600] = rng.randbytes(600)
        lay_out(path, {"": bytes(content)})
        database = ShareDatabase(path)
        found = rows(database)
        assert all(kept[key] == row for key, row in found.items())
        database.commit([save(record, mask) for record, mask in found.values()])
        database.close()
        again = ShareDatabase(path)
        assert (rows(again), again.notes) == (found, [])
        again.close()
        taken.append(len(found))
    assert set_aside_in(tmp_path)
    assert max(taken) > 100


def test_what_is_no_database_is_set_aside(path, tmp_path):
    path.write_bytes(b"no database" * 1000)
    database = ShareDatabase(path)
    assert "set aside" in database.notes[0]
    assert "those that the shares came with" in database.notes[0]
    database.commit([save(record_of(share(1)))])
    assert len(rows(database)) == 1
    database.close()
    assert len(set_aside_in(tmp_path)) == 1


def test_where_no_database_can_be_nothing_is_committed(path):
    path.parent.joinpath("elsewhere").mkdir()
    database = ShareDatabase(path.parent / "no folder" / "shares.db")
    with pytest.raises(OSError, match="cannot be written"):
        database.commit([save(record_of(share(1)))])
    assert "in memory only" in database.notes[0]
    database.close()


def test_damage_found_while_running_is_final(path):
    database = ShareDatabase(path)
    database.commit([save(record_of(share(1)))])
    database._database.connection.execute("DROP TABLE records")
    with pytest.raises(sqlite3.Error):
        database.commit([save(record_of(share(2)))])
    assert database.is_broken
    with pytest.raises(OSError, match="cannot be written"):
        database.commit([save(record_of(share(2)))])
    database.close()
