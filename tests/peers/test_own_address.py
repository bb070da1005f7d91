"""Our own address is what most see, one voice per public subnet."""

from dave.limits import OWN_ADDRESS_VOICES
from dave.peers.own_address import OwnAddress

HERE, THERE = ("20.0.0.1", 1424), ("20.0.0.2", 1424)


def test_nobody_has_said() -> None:
    assert OwnAddress().value is None


def test_what_most_say() -> None:
    own = OwnAddress()
    own.told(("30.0.1.1", 1), THERE)
    assert own.value == THERE
    for i in (2, 3):
        own.told((f"30.0.{i}.1", 1), HERE)
    assert own.value == HERE
    own.told(("30.0.4.1", 1), THERE)
    assert own.value == THERE, "as many, and said later"


def test_a_public_subnet_has_one_voice_and_a_private_peer_its_own() -> None:
    own = OwnAddress()
    own.told(("30.0.1.1", 1), HERE)
    own.told(("30.0.2.1", 1), HERE)
    for i in range(9):
        own.told((f"30.0.3.{i}", 1), THERE)
    assert own.value == HERE
    own = OwnAddress()
    for port in range(3):
        own.told(("10.0.0.1", port), HERE)
    assert len(own) == 3


def test_only_the_last_voices_count() -> None:
    own = OwnAddress()
    for i in range(3 * OWN_ADDRESS_VOICES):
        own.told((f"30.0.{i}.1", 1), HERE)
    for i in range(OWN_ADDRESS_VOICES // 2 + 1):
        own.told((f"31.0.{i}.1", 1), THERE)
    assert (own.value, len(own)) == (THERE, OWN_ADDRESS_VOICES)


def test_nonsense_is_no_voice() -> None:
    own = OwnAddress()
    own.told(("30.0.1.1", 1), ("10.0.0.1", 1424))
    own.told(("30.0.1.1", 1), ("0.0.0.0", 1424))
    own.told(("30.0.1.1", 1), ("20.0.0.1", 0))
    assert len(own) == 0
    own.told(("10.0.0.9", 1), ("10.0.0.1", 1424))
    assert own.value == ("10.0.0.1", 1424)
