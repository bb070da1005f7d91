"""Having oneself dialled, on real ports; with public addresses: node/test_knock.py."""

import asyncio

from dave.crypto.network import network
from dave.edge.doctor.dial_back import dial_back


def test_on_a_private_network_it_cannot_be_told_and_nobody_remembers(node):
    assert asyncio.run(dial_back("127.0.0.1:0", network(), node.address)) is None
    assert node.status()["peers"] == 0


def test_a_taken_port_cannot_be_told(node):
    assert asyncio.run(dial_back(node.address, network(), node.address)) is None
