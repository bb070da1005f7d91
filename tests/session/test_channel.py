"""The bulk channel's handshake and records open for who they are meant for, once, in order."""

from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given
from hypothesis import strategies as st

from dave.crypto.network import network
from dave.errors import WireError
from dave.limits import PROTOCOL_VERSION
from dave.session import channel, noise
from dave.wire import bulk
from dave.wire.packet import PacketType
from tests.session.helpers import NETWORK, client, node

A, B, C = node(1), node(2), client(3)
OTHER = network("other", node_work_bits=0)
SECRET = network("test", b"sixteen bytes ok")


def pair(dialler=A, answerer=B, net=NETWORK, theirs=None):
    """Two ends, the first message on its way."""
    one = channel.dial(
        dialler, net, Random(1), answerer.public_key, answerer.id, is_node=dialler.id is not None
    )
    other = channel.answer(answerer, theirs or net, Random(2))
    return one, other


def shaken(**options):
    one, other = pair(**options)
    assert other.receive(one.handshake) == []
    assert one.receive(other.handshake) == []
    return one, other


@pytest.mark.parametrize("dialler", [A, C], ids=["node", "client"])
def test_both_ends_know_each_other_and_talk(dialler):
    one, other = shaken(dialler=dialler)
    assert (other.public_key, other.node_id) == (dialler.public_key, dialler.id)
    assert (one.public_key, one.node_id) == (B.public_key, B.id)
    assert one.is_proven
    assert not other.is_proven, "until a record opens, it may all be a replay"
    assert other.receive(one.seal(b"first") + one.seal(b"second")) == [b"first", b"second"]
    assert other.is_proven
    assert one.receive(other.seal(b"back")) == [b"back"]


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=12), st.data())
def test_frames_come_whole_however_the_stream_is_cut(frames, data):
    one, other = shaken()
    stream = b"".join(map(one.seal, frames))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    got = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        if end > start:
            got += other.receive(stream[start:end])
    assert got == frames


def test_the_handshake_may_come_byte_by_byte():
    one, other = pair()
    for i in range(bulk.INIT_BYTES):
        assert not other.can_seal
        assert other.receive(one.handshake[i : i + 1]) == []
    assert other.can_seal
    for i in range(bulk.ACCEPT_BYTES):
        one.receive(other.handshake[i : i + 1])
    assert one.can_seal


def test_records_behind_the_handshake_in_one_slice():
    one, other = pair()
    other.receive(one.handshake)
    assert one.receive(other.handshake + other.seal(b"x")) == [b"x"]


@pytest.mark.parametrize("theirs", [OTHER, SECRET], ids=["name", "secret"])
def test_another_network_is_refused(theirs):
    one, other = pair(theirs=theirs)
    with pytest.raises(WireError):
        other.receive(one.handshake)
    assert other.handshake == b"", "not a byte for a stranger"
    assert other.public_key == b""


def read_without_tag(message):
    """The dialler's key as somebody reads it who has the key that is dialled, knows nothing of the
    network, and does not care whether a tag is right."""
    thief = noise.Responder(B.private_key, B.public_key, channel._prologue(SECRET, B.id), bytes(32))
    with pytest.raises(WireError):
        thief.read(message[:32] + bytes(64))
    start = bytes(12) + (2).to_bytes(4, "big")
    decryptor = Cipher(AES(thief._state.key), CTR(start)).decryptor()
    return decryptor.update(message[32:64])


def test_who_has_a_nodes_key_but_no_secret_learns_nobodys():
    """IKpsk1 alone shows the dialler's key to whoever has the key that is dialled."""
    one, _ = pair(net=SECRET)
    ephemeral, sealed = one.handshake[2:34], one.handshake[34:]
    assert read_without_tag(ephemeral + sealed) != A.public_key
    bare = channel._cover(SECRET.key).decrypt(ephemeral[:12], sealed, None)
    assert read_without_tag(ephemeral + bare) == A.public_key, "this is what the cover is for"


def test_another_node_at_the_address_cannot_answer():
    one, _ = pair()
    other = channel.answer(node(7), NETWORK, Random(2))
    with pytest.raises(WireError):
        other.receive(one.handshake)


def test_nobody_talks_to_itself():
    one, other = pair(dialler=B)
    with pytest.raises(WireError):
        other.receive(one.handshake)


def test_a_node_without_work_is_refused():
    strict = network("test", node_work_bits=40)
    one, other = pair(net=strict)
    with pytest.raises(WireError):
        other.receive(one.handshake)
    one, other = pair(net=strict, dialler=C)
    other.receive(one.handshake)
    assert other.node_id is None


def test_a_udp_handshake_is_no_bulk_handshake():
    """The same keys and secret, another prologue."""
    prologue = noise.prologue(NETWORK.node_work_bits, B.id)
    args = A.private_key, A.public_key, B.public_key, prologue, NETWORK.key, bytes(range(32))
    first = noise.Initiator(*args).write(bytes((1,)) + A.nonce + bytes(2))
    cover = channel._cover(NETWORK.key)
    sealed = cover.encrypt(first[:12], first[32:], None)
    with pytest.raises(WireError):
        channel.answer(B, NETWORK, Random(2)).receive(bulk.INIT_HEAD + first[:32] + sealed)
    assert bulk.INIT_TYPE not in list(PacketType)


def test_every_byte_of_the_handshake_counts():
    one, _ = pair()
    for i in range(bulk.INIT_BYTES):
        bad = bytearray(one.handshake)
        bad[i] ^= 0x41
        with pytest.raises(WireError):
            channel.answer(B, NETWORK, Random(2)).receive(bytes(bad))
    for i in range(bulk.ACCEPT_BYTES):
        one, other = pair()
        other.receive(one.handshake)
        bad = bytearray(other.handshake)
        bad[i] ^= 0x41
        with pytest.raises(WireError):
            one.receive(bytes(bad))


def test_every_byte_of_a_record_counts():
    sealed = shaken()[0].seal(b"frame")
    for i in range(len(sealed)):
        _, other = shaken()  # the same keys: the ends are drawn from seeds
        bad = bytearray(sealed)
        bad[i] ^= 1
        try:
            assert other.receive(bytes(bad)) == [], "a length that waits for more"
        except WireError:
            continue
        assert i < 2


def test_what_is_replayed_left_out_or_overtaken_does_not_open():
    one, _ = shaken()
    records = [one.seal(b"%d" % i) for i in range(3)]
    for order in ([0, 0], [1], [0, 2], [1, 0]):
        _, other = shaken()
        with pytest.raises(WireError):
            other.receive(b"".join(records[i] for i in order))


def test_our_own_records_do_not_open():
    one, _ = shaken()
    with pytest.raises(WireError):
        one.receive(one.seal(b"x"))


@pytest.mark.parametrize("length", [0, 1, 16, bulk.FRAME_BYTES_MAX + 17, 65_535])
def test_a_record_has_its_size(length):
    _, other = shaken()
    with pytest.raises(WireError):
        other.receive(length.to_bytes(2, "little"))


@given(st.binary(min_size=1, max_size=400))
def test_garbage_is_refused_before_any_key_is_used(data):
    other = channel.answer(B, NETWORK, Random(2))
    head = bytes((PROTOCOL_VERSION, bulk.INIT_TYPE))
    try:
        assert other.receive(data) == []
    except WireError:
        assert not other.can_seal
        return
    assert head.startswith(data[:2])
    assert len(data) < bulk.INIT_BYTES


def test_a_replayed_handshake_is_never_proven():
    one, _ = shaken()
    hello = pair()[0].handshake
    assert hello  # the same bytes as those that `one` sent, by the same seed
    again = channel.answer(B, NETWORK, Random(99))
    again.receive(hello)
    assert not again.is_proven
    with pytest.raises(WireError):
        again.receive(one.seal(b"first"))


def test_a_key_of_small_order_is_nobodys():
    with pytest.raises(WireError):
        channel.dial(A, NETWORK, Random(1), bytes(32), 5, is_node=True)
