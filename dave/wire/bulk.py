"""What travels over the bulk channel, TCP on the node's port (DESIGN section 8, PROTOCOL.md).

A connection begins with INIT and ACCEPT, of fixed sizes. After them come records, length 2 and
that many sealed bytes; each seals one frame. A frame names its stream by the asker's number, so
that both ends may ask on one connection:

    INIT    ver 1 | type 16 | ephemeral key 32 | sealed 91     of Noise message 1, sealed once more
    ACCEPT  ver 1 | type 17 | noise message 2

    asker to answerer                              answerer to asker
    OPEN    1 | stream 4 | window 4 | request      PIECE  2 | stream 4 | size 4 | checksum 16 | data
    CREDIT  4 | stream 4 | more 4                  MORE   3 | stream 4 | data
    CANCEL  6 | stream 4                           END    5 | stream 4 | end 1
    KEEP    7                                      KEEP   7

A piece that does not fit one frame goes on in MORE.
"""

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from dave.bulk_limits import BULK_DATA_BYTES_MAX, STREAM_CREDIT_MAX
from dave.errors import WireError
from dave.limits import PIECE_BYTES_MAX, PROTOCOL_VERSION, STREAM_REQUEST_BYTES_MAX

INIT_TYPE = 16
ACCEPT_TYPE = 17
INIT_BYTES = 125
"""version 1, type 1, ephemeral key 32, sealed key 48, sealed payload 27, outer tag 16."""
ACCEPT_BYTES = 50
"""version 1, type 1, ephemeral key 32, tag 16."""
INIT_HEAD = bytes((PROTOCOL_VERSION, INIT_TYPE))
ACCEPT_HEAD = bytes((PROTOCOL_VERSION, ACCEPT_TYPE))

OPEN, PIECE, MORE, CREDIT, END, CANCEL, KEEP = range(1, 8)
END_MAX = 3
"""Ends that travel: 0 done, 1 refused, 2 busy, 3 broken (node/streams.py)."""

_OPEN = Struct("<BII")
_PIECE = Struct("<BII16s")
_MORE = Struct("<BI")
_CREDIT = Struct("<BII")
_END = Struct("<BIB")
PIECE_HEADER_BYTES = _PIECE.size
FRAME_BYTES_MAX = PIECE_HEADER_BYTES + BULK_DATA_BYTES_MAX
assert _OPEN.size + STREAM_REQUEST_BYTES_MAX <= FRAME_BYTES_MAX


def piece_frame(stream: int, size: int, checksum: bytes, data: bytes | memoryview) -> bytes:
    """A Piece, encoded."""
    return b"".join((_PIECE.pack(PIECE, stream, size, checksum), data))


def more_frame(stream: int, data: bytes | memoryview) -> bytes:
    """A More, encoded."""
    return b"".join((_MORE.pack(MORE, stream), data))


class Open(NamedTuple):
    """Asks. A stream's number is never used twice on a connection."""

    stream: int
    window: int
    """Bytes of pieces that may come before any CREDIT."""
    request: bytes

    def encode(self) -> bytes:
        """The frame."""
        return _OPEN.pack(OPEN, self.stream, self.window) + self.request


class Piece(NamedTuple):
    """A piece begins; all of it, where `data` has `size` bytes."""

    stream: int
    size: int
    checksum: bytes
    """16 bytes, of the whole piece."""
    data: bytes

    def encode(self) -> bytes:
        """The frame."""
        return piece_frame(self.stream, self.size, self.checksum, self.data)


class More(NamedTuple):
    """The piece that was begun goes on."""

    stream: int
    data: bytes

    def encode(self) -> bytes:
        """The frame."""
        return more_frame(self.stream, self.data)


class Credit(NamedTuple):
    """So many more bytes may come."""

    stream: int
    more: int

    def encode(self) -> bytes:
        """The frame."""
        return _CREDIT.pack(CREDIT, self.stream, self.more)


class End(NamedTuple):
    """Nothing more comes."""

    stream: int
    end: int

    def encode(self) -> bytes:
        """The frame."""
        return _END.pack(END, self.stream, self.end)


class Cancel(NamedTuple):
    """Nothing more is wanted."""

    stream: int

    def encode(self) -> bytes:
        """The frame."""
        return _MORE.pack(CANCEL, self.stream)


class Keep(NamedTuple):
    """I am here. Also the first frame of a dialler that has nothing else to say."""

    def encode(self) -> bytes:
        """The frame."""
        return bytes((KEEP,))


Frame = Open | Piece | More | Credit | End | Cancel | Keep


def decode(data: bytes) -> Frame:
    """The frame in a record. Raises WireError unless the bytes are exactly one frame, so that
    encoding the result gives the same bytes."""
    decoder = _DECODERS.get(data[0]) if data else None
    if decoder is None:
        raise WireError(f"no frame of the bulk channel: {data[:1].hex() or 'empty'}")
    return decoder(data)


def _decode_open(data: bytes) -> Frame:
    _expect(data, _OPEN.size + 1, _OPEN.size + STREAM_REQUEST_BYTES_MAX)
    _, stream, window = _OPEN.unpack_from(data)
    _check_credit(window)
    return Open(stream, window, data[_OPEN.size :])


def _decode_piece(data: bytes) -> Frame:
    _expect(data, _PIECE.size + 1, FRAME_BYTES_MAX)
    _, stream, size, checksum = _PIECE.unpack_from(data)
    part = data[_PIECE.size :]
    if not len(part) <= size <= PIECE_BYTES_MAX:
        raise WireError(f"a piece of {size} bytes, of which {len(part)} are here")
    return Piece(stream, size, checksum, part)


def _decode_more(data: bytes) -> Frame:
    _expect(data, _MORE.size + 1, _MORE.size + BULK_DATA_BYTES_MAX)
    return More(_MORE.unpack_from(data)[1], data[_MORE.size :])


def _decode_credit(data: bytes) -> Frame:
    _expect(data, _CREDIT.size, _CREDIT.size)
    _, stream, count = _CREDIT.unpack(data)
    _check_credit(count)
    return Credit(stream, count)


def _decode_end(data: bytes) -> Frame:
    _expect(data, _END.size, _END.size)
    _, stream, end = _END.unpack(data)
    if end > END_MAX:
        raise WireError(f"unknown end of a stream: {end}")
    return End(stream, end)


def _decode_cancel(data: bytes) -> Frame:
    _expect(data, _MORE.size, _MORE.size)
    return Cancel(_MORE.unpack(data)[1])


def _decode_keep(data: bytes) -> Frame:
    _expect(data, 1, 1)
    return Keep()


def _expect(data: bytes, least: int, most: int) -> None:
    if not least <= len(data) <= most:
        raise WireError(f"frame type {data[0]} has {least} to {most} bytes, not {len(data)}")


def _check_credit(count: int) -> None:
    if not 1 <= count <= STREAM_CREDIT_MAX:
        raise WireError(f"a window of {count} bytes; it is 1 to {STREAM_CREDIT_MAX}")


_DECODERS: dict[int, Callable[[bytes], Frame]] = {
    OPEN: _decode_open,
    PIECE: _decode_piece,
    MORE: _decode_more,
    CREDIT: _decode_credit,
    END: _decode_end,
    CANCEL: _decode_cancel,
    KEEP: _decode_keep,
}
