"""Networks: told apart by name and secret, and free of work behind a secret."""

import pytest

from dave.crypto import hashes
from dave.crypto.network import network
from dave.errors import UsageError
from dave.limits import NETWORK_NAME_DEFAULT, NODE_WORK_BITS_PUBLIC

SECRET = bytes(range(16))


def test_the_public_network_asks_work() -> None:
    public = network()
    assert public.name == NETWORK_NAME_DEFAULT
    assert public.asks_work
    assert public.node_work_bits == NODE_WORK_BITS_PUBLIC
    assert public == network("dave", b"")


def test_a_network_with_a_secret_asks_none() -> None:
    private = network("dave", SECRET, node_work_bits=20)
    assert not private.asks_work
    assert private.node_work_bits == 0


def test_names_and_secrets_tell_networks_apart() -> None:
    made = [network(), network("other"), network("dave", SECRET), network("dave", SECRET + b"x")]
    assert len({n.key for n in made}) == len({n.id for n in made}) == len(made)
    assert len({n.signed_prefix for n in made}) == len(made)


def test_what_is_signed_starts_with_tag_and_id() -> None:
    made = network("other")
    assert made.signed_prefix == hashes.SIGNED_TAG + made.id
    assert made.id != made.key


@pytest.mark.parametrize("name", ["", "x" * 65, "é" * 33])
def test_bad_names_are_named(name: str) -> None:
    with pytest.raises(UsageError, match="1 to 64 bytes"):
        network(name)


@pytest.mark.parametrize("size", [1, 15])
def test_short_secrets_are_refused_with_the_remedy(size: int) -> None:
    with pytest.raises(UsageError, match="dave keygen --network"):
        network("dave", bytes(size))


def test_the_limits_themselves_are_allowed() -> None:
    assert network("x" * 64).name == "x" * 64
    assert not network("x", bytes(16)).asks_work
    assert network(node_work_bits=3).node_work_bits == 3
