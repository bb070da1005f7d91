"""A process that verifies signatures: batches in on standard input, verdicts out.

It is a process because a thread beside a busy loop gets next to no time. It says READY once it has
started, then answers each batch, in order, and ends when its input does. A batch is

    length 4 | (length of signed 2 | owner 32 | signed) ...          integers little-endian

and its answer one byte a signature, 1 for valid. Both ends are the same program: nothing here has
to be compatible with another version.
"""

import os
import signal
import sys
from collections.abc import Sequence
from struct import Struct

from dave.crypto.sign import verify
from dave.names import Owner

READY = b"\x02"
"""The worker's first byte; no verdict looks like it."""

_LENGTH = Struct("<I")
_ITEM = Struct("<H32s")
_pack_item = _ITEM.pack


def encode_batch(batch: Sequence[tuple[int, Owner, bytes]]) -> bytes:
    """A batch of (ticket, owner, signed) as a worker reads it; tickets stay behind."""
    body = b"".join([_pack_item(len(signed), owner) + signed for _, owner, signed in batch])
    return _LENGTH.pack(len(body)) + body


def verdicts(body: bytes) -> bytes:
    """The answer to a batch without its length: one byte a signature."""
    answer = bytearray()
    offset, end = 0, len(body)
    while offset < end:
        length, owner = _ITEM.unpack_from(body, offset)
        offset += _ITEM.size
        answer.append(verify(owner, body[offset : offset + length]))
        offset += length
    return bytes(answer)


def main() -> None:
    """Serve until standard input ends."""
    # Ctrl-C is for the node, which closes our input when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source = sys.stdin.buffer
    # The first call loads the library: before READY, so that no batch waits for it.
    verify(bytes(32), bytes(64))
    try:
        os.write(1, READY)
        while len(header := source.read(_LENGTH.size)) == _LENGTH.size:
            length = _LENGTH.unpack(header)[0]
            body = source.read(length)
            if len(body) < length:
                return
            os.write(1, verdicts(body))
    except (BrokenPipeError, ConnectionResetError):
        return


if __name__ == "__main__":
    main()
