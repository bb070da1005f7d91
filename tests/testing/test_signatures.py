"""The cached check gives the verdicts of the real one, and does it once."""

from random import Random

from dave.crypto import sign
from dave.crypto.network import network
from dave.testing import signatures
from dave.testing.owner import Owner


def test_verdicts_are_those_of_the_real_check_and_kept(monkeypatch):
    free = network("free", b"sixteen bytes ok")
    entry = Owner(Random(1), free).entry(b"key", b"value", 5 << 16)
    signed = entry.signature + entry.signed_bytes(free)
    forged = bytes(64) + signed[64:]
    asked = []
    signatures.verify.cache_clear()
    monkeypatch.setattr(sign, "verify", lambda *a, real=sign.verify: asked.append(a) or real(*a))
    for _ in range(3):
        assert signatures.verify(entry.owner, signed)
        assert not signatures.verify(entry.owner, forged)
    assert asked == [(entry.owner, signed), (entry.owner, forged)]
