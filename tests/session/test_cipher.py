"""The table of ciphers is bounded, and what it lets go of is made again."""

from dave.session.cipher import CipherCache, Keys, pack_nonce


def test_nonce_is_noise_transport() -> None:
    assert pack_nonce(0, 0x0102).hex() == "000000000000000000000102"


def test_ciphers_are_kept_up_to_the_limit_and_made_again() -> None:
    cache = CipherCache(limit=4)
    keys = [Keys(bytes((i,)) * 32, bytes((i,)) * 32) for i in range(3)]
    sealed = [cache.sealer(k).encrypt(bytes(12), b"x", None) for k in keys]
    assert len(cache) == 2
    assert keys[0].sealer is None
    assert keys[2].sealer is cache.sealer(keys[2])
    for k, c in zip(keys, sealed, strict=True):
        assert cache.opener(k).decrypt(bytes(12), c, None) == b"x"
        assert len(cache) == 2
    assert sum(k.sealer is not None or k.opener is not None for k in keys) == 2


def test_discard_lets_go() -> None:
    cache = CipherCache()
    keys = Keys(b"s" * 32, b"r" * 32)
    cache.sealer(keys)
    cache.opener(keys)
    assert len(cache) == 1
    cache.discard(keys)
    cache.discard(keys)
    assert (len(cache), keys.sealer, keys.opener) == (0, None, None)
