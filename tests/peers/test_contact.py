"""A contact's id is computed and its stamp checked."""

from dave.crypto.hashes import node_stamp
from dave.peers.contact import Contact, checked_contact

KEY = bytes(range(32))
ADDRESS = ("192.0.2.1", 1424)


def nonce_with(bits: int) -> bytes:
    """A nonce whose stamp has exactly `bits` leading zero bits."""
    for i in range(1 << 20):
        nonce = i.to_bytes(8, "little")
        if int.from_bytes(node_stamp(KEY, nonce), "big").bit_length() == 256 - bits:
            return nonce
    raise AssertionError("no nonce found")


def test_id_is_the_end_of_the_stamp() -> None:
    nonce = bytes(8)
    contact = checked_contact(KEY, nonce, ADDRESS, 0)
    assert contact == Contact(
        KEY, nonce, ADDRESS, int.from_bytes(node_stamp(KEY, nonce)[-8:], "big")
    )


def test_too_little_work_is_no_contact() -> None:
    nonce = nonce_with(6)
    assert checked_contact(KEY, nonce, ADDRESS, 6) is not None
    assert checked_contact(KEY, nonce, ADDRESS, 7) is None
