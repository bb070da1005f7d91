"""Drivers without a network, for what only needs their tasks, threads and clock."""

from contextlib import contextmanager

from dave.crypto.network import network
from dave.edge.aio import Runner
from dave.edge.connect import client_core

NOBODY = "127.0.0.1:9"


@contextmanager
def asyncio_driver():
    """A driver of the running event loop."""
    driver = Runner(*client_core(NOBODY, network("test", b"")))
    try:
        yield driver
    finally:
        driver.close()
