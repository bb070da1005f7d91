"""The journal's codec: every prefix and every flipped bit loses at most one record, and none is
ever invented."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto.hashes import record_checksum
from dave.errors import JournalError, WireError
from dave.store import journal
from dave.store.floors import Floor
from dave.store.journal import (
    ENTRY,
    FLOOR,
    HEADER_COPY_BYTES,
    RECORDS_OFFSET,
    Header,
    Record,
    Scanner,
    decode_header,
    encode_header,
    entry_record,
    floor_record,
    read_floor,
    scan,
    seal_record,
)

KEY = bytes(range(32))
HEADER = Header(b"journal id 16 by", KEY, 7)
FLOOR_1 = Floor(b"i" * 32, 5 << 16, 99)
BODIES = [b"first", b"", b"third " * 9, b"\xd4\x9e" * 20, b"last"]


def segment(bodies=BODIES, key=KEY):
    records = [seal_record(key, entry_record(n, body)) for n, body in enumerate(bodies)]
    ends = [RECORDS_OFFSET]
    for record in records:
        ends.append(ends[-1] + len(record))
    return encode_header(HEADER) + b"".join(records), ends


DATA, ENDS = segment()
WHOLE = [Record(n, ENTRY, body) for n, body in enumerate(BODIES)]


def test_round_trip():
    assert decode_header(DATA) == (HEADER, 0)
    records, scanner = scan(DATA, KEY)
    assert (records, scanner.damage, scanner.torn_at) == (WHOLE, [], None)
    sealed = seal_record(KEY, floor_record(FLOOR_1))
    [record], _ = scan(encode_header(HEADER) + sealed, KEY)
    assert (record.sequence, record.type, read_floor(record.body)) == (0, FLOOR, FLOOR_1)
    for body in (record.body[:-1], record.body + b"x"):
        with pytest.raises(WireError):
            read_floor(body)


def test_truncated_at_every_offset_all_whole_records_are_kept_and_the_tail_reported():
    for size in range(RECORDS_OFFSET, len(DATA)):
        records, scanner = scan(DATA[:size], KEY)
        whole = sum(end <= size for end in ENDS[1:])
        assert records == WHOLE[:whole]
        assert scanner.damage == []
        assert scanner.torn_at == (None if size == ENDS[whole] else ENDS[whole])


def test_every_flipped_bit_of_a_record_is_found_and_costs_that_record_only():
    for at in range(RECORDS_OFFSET, len(DATA)):
        hit = sum(end <= at for end in ENDS[1:])
        for bit in range(8):
            records, scanner = scan(flipped(DATA, at, bit), KEY)
            assert records == WHOLE[:hit] + WHOLE[hit + 1 :]
            if hit == len(WHOLE) - 1:
                assert (scanner.damage, scanner.torn_at) == ([], ENDS[hit])
            else:
                assert scanner.damage == [(ENDS[hit], ENDS[hit + 1])]
                assert scanner.torn_at is None


def test_every_flipped_bit_of_the_header_is_found_and_harmless():
    for at in range(RECORDS_OFFSET):
        for bit in range(8):
            assert decode_header(flipped(DATA, at, bit)[:RECORDS_OFFSET]) == (HEADER, 1)


def test_a_header_without_a_good_copy_is_an_error():
    for size in range(HEADER_COPY_BYTES):
        with pytest.raises(JournalError, match="damaged"):
            decode_header(DATA[:size])
    assert decode_header(DATA[:HEADER_COPY_BYTES]) == (HEADER, 1)
    assert decode_header(DATA[: RECORDS_OFFSET - 1]) == (HEADER, 1)
    with pytest.raises(JournalError, match="damaged"):
        decode_header(flipped(flipped(DATA, 0, 0), HEADER_COPY_BYTES + 99, 3))


def test_a_newer_version_is_named_and_an_unchecked_one_is_not_believed():
    fields = DATA[:8] + (2).to_bytes(2, "little") + DATA[10 : HEADER_COPY_BYTES - 16]
    newer = (fields + record_checksum(KEY, fields)) * 2
    with pytest.raises(JournalError, match=r"format version 2, this Dave reads 1"):
        decode_header(newer)
    assert decode_header(DATA[:8] + b"\x02" + DATA[9:RECORDS_OFFSET]) == (HEADER, 1)


def test_a_record_of_another_file_is_not_accepted():
    inner = seal_record(KEY, entry_record(666, b"forged"))
    other = bytes(32)
    data, ends = segment([b"a", b"x" + inner + b"x", b"z"], other)
    for at in range(ends[1], ends[2]):
        records, _ = scan(flipped(data, at, 0), other)
        assert [r.sequence for r in records] == [0, 2]


@given(
    st.binary(max_size=300), st.lists(st.sampled_from([b"\xd4", b"\xd4\x9e", *BODIES])), st.data()
)
def test_any_bytes_in_any_pieces(junk, parts, data):
    sealed = seal_record(KEY, entry_record(1, b"body"))
    stream = junk + sealed + b"".join(parts) + sealed
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    scanner = Scanner(KEY)
    records = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        records += scanner.feed(stream[start:end])
    records += scanner.finish()
    whole = Scanner(KEY)
    assert records == whole.feed(stream) + whole.finish()
    assert (scanner.damage, scanner.torn_at) == (whole.damage, whole.torn_at)
    assert [r.body for r in records] == [b"body"] * 2
    between = len(b"".join(parts))
    covered = sum(end - start for start, end in scanner.damage)
    assert covered == len(junk) + between
    assert scanner.torn_at is None


def test_a_record_behind_damage_is_found_however_the_pieces_fall():
    sealed = seal_record(KEY, entry_record(1, b"body"))
    stream = b"junk" * 10 + sealed + b"\xd4" + sealed
    for cut in range(len(stream) + 1):
        scanner = Scanner(KEY)
        records = scanner.feed(stream[:cut]) + scanner.feed(stream[cut:]) + scanner.finish()
        assert [r.body for r in records] == [b"body"] * 2
        assert scanner.damage == [(1024, 1064), (1064 + len(sealed), 1065 + len(sealed))]


def test_damage_over_many_pieces_is_one_range_and_remembers_nothing_of_it():
    rng = random.Random(5)
    scanner = Scanner(KEY)
    sealed = seal_record(KEY, entry_record(1, b"body"))
    scanner.feed(sealed)
    for _ in range(50):
        assert scanner.feed(rng.randbytes(10_000)) == []
        assert len(scanner._left) < 2 * journal.JOURNAL_BODY_BYTES_MAX
    assert scanner.feed(sealed * 200)
    start = RECORDS_OFFSET + len(sealed)
    assert scanner.damage == [(start, start + 500_000)]


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
