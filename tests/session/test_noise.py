"""The handshake against published vectors, and against what a forger would try."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dave.errors import WireError
from dave.session.cipher import pack_nonce
from dave.session.noise import Initiator, Responder, prologue

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "noise.json").read_text())["vectors"]
NAMES = ("Noise_IK_25519_AESGCM_BLAKE2s", "Noise_IKpsk1_25519_AESGCM_BLAKE2s")
OURS = [v for v in VECTORS if v["protocol_name"] in NAMES]


def key(seed: bytes) -> tuple[X25519PrivateKey, bytes]:
    private = X25519PrivateKey.from_private_bytes(seed)
    return private, private.public_key().public_bytes_raw()


def test_vectors_are_there() -> None:
    assert {v["protocol_name"] for v in OURS} == set(NAMES)


@pytest.mark.parametrize("vector", OURS, ids=lambda v: f"{v['protocol_name']}-{v['origin']}")
def test_vector(vector: dict[str, Any]) -> None:
    field = {k: bytes.fromhex(v) for k, v in vector.items() if k.startswith(("init_", "resp_"))
             and isinstance(v, str)}  # fmt: skip
    psk = bytes.fromhex(vector["init_psks"][0]) if "psk" in vector["protocol_name"] else None
    messages = [
        (bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"])) for m in vector["messages"]
    ]
    a = Initiator(*key(field["init_static"]), field["init_remote_static"],
                  field["init_prologue"], psk, field["init_ephemeral"])  # fmt: skip
    b = Responder(*key(field["resp_static"]), field["resp_prologue"], psk)

    (first, first_sealed), (second, second_sealed), *rest = messages
    assert a.write(first) == first_sealed
    assert b.read(first_sealed) == first
    assert b.remote_public == key(field["init_static"])[1]
    assert b.write(second, field["resp_ephemeral"]) == second_sealed
    assert a.read(second_sealed) == second
    send, receive, handshake_hash = a.split()
    assert b.split() == (receive, send, handshake_hash)
    if "handshake_hash" in vector:
        assert handshake_hash.hex() == vector["handshake_hash"]
    # The transport messages alternate, the initiator first.
    for i, (plain, sealed) in enumerate(rest):
        cipher = AESGCM(receive if i % 2 else send)
        assert cipher.encrypt(pack_nonce(0, i // 2), plain, None) == sealed


def pair(psk_a: bytes = b"k" * 32, psk_b: bytes = b"k" * 32) -> tuple[Initiator, Responder]:
    rng = Random(7)
    b_key, b_public = key(rng.randbytes(32))
    start = prologue(20, 2**64 - 1)
    a = Initiator(*key(rng.randbytes(32)), b_public, start, psk_a, rng.randbytes(32))
    return a, Responder(b_key, b_public, start, psk_b)


def test_prologue_layout() -> None:
    assert prologue(20, 1).hex() == "01140000000000000001"


def test_wrong_psk_opens_nothing() -> None:
    a, b = pair(psk_b=b"K" * 32)
    with pytest.raises(WireError):
        b.read(a.write(b"request"))


def test_every_changed_byte_of_both_messages_is_refused() -> None:
    a, b = pair()
    first = a.write(b"request")
    for i in range(len(first)):
        changed = bytearray(first)
        changed[i] ^= 1
        with pytest.raises(WireError):
            pair()[1].read(bytes(changed))
    assert b.read(first) == b"request"
    second = b.write(b"reply", bytes(range(32)))
    for i in range(len(second)):
        changed = bytearray(second)
        changed[i] ^= 1
        with pytest.raises(WireError):
            a.read(bytes(changed))
    assert a.read(second) == b"reply", "forgeries must not spoil the genuine answer"


def test_every_prefix_is_refused() -> None:
    a, b = pair()
    first = a.write(b"")
    for n in range(len(first)):
        with pytest.raises(WireError):
            pair()[1].read(first[:n])
    b.read(first)
    second = b.write(b"", bytes(range(32)))
    for n in range(len(second)):
        with pytest.raises(WireError):
            a.read(second[:n])


# RFC 7748 and https://cr.yp.to/ecdh.html#validate: points of small order.
SMALL_ORDER = [
    bytes(32),
    bytes((1, *bytes(31))),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


@pytest.mark.parametrize("point", SMALL_ORDER, ids=lambda p: p.hex()[:8])
def test_points_of_small_order_are_refused(point: bytes) -> None:
    a, b = pair()
    with pytest.raises(WireError, match="small order"):
        b.read(point + a.write(b"")[32:])
    with pytest.raises(WireError, match="small order"):
        a.read(point + bytes(16))
    victim = Initiator(*key(b"s" * 32), point, b"", None, b"e" * 32)
    with pytest.raises(WireError, match="small order"):
        victim.write(b"")
