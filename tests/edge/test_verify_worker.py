"""The worker process: its answers, its end."""

import signal
import struct
import subprocess
import sys

import pytest

from dave.crypto.sign import public_key, sign
from dave.edge.verify_worker import READY, encode_batch, verdicts

SEED = bytes(range(32))
OWNER = public_key(SEED)


def signed(message: bytes, *, valid: bool = True) -> bytes:
    signature = sign(SEED, message)
    return (signature if valid else signature[::-1]) + message


BATCH = [
    (7, OWNER, signed(b"one")),
    (8, OWNER, signed(b"two", valid=False)),
    (9, OWNER, signed(b"")),
    (10, bytes(32), signed(b"three")),
    (11, OWNER, b""),
    (12, OWNER, signed(bytes(1500))),
]
ANSWER = bytes((1, 0, 1, 0, 0, 1))


def start() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "dave.edge.verify_worker"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_batch_carries_its_length() -> None:
    frame = encode_batch(BATCH)
    assert struct.unpack_from("<I", frame)[0] == len(frame) - 4
    assert verdicts(frame[4:]) == ANSWER
    assert verdicts(encode_batch([])[4:]) == b""


def test_process_answers_in_order_and_ends_with_its_input() -> None:
    with start() as process:
        frames = encode_batch(BATCH) + encode_batch([]) + encode_batch(BATCH[1:2])
        output, _ = process.communicate(frames, timeout=30)
    assert output == READY + ANSWER + b"\0"
    assert process.returncode == 0


@pytest.mark.parametrize("cut", [1, 3, 4, 40, -1])
def test_cut_input_ends_it_quietly(cut: int) -> None:
    with start() as process:
        output, _ = process.communicate(encode_batch(BATCH)[:cut], timeout=30)
    assert output == READY
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_interrupts_are_ignored() -> None:
    with start() as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == READY
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(encode_batch(BATCH), timeout=30)
    assert output == ANSWER
    assert process.returncode == 0
