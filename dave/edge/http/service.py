"""What the handlers of a node's HTTP interface work with."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from dave.edge.client import Client
from dave.edge.keyfile import Key

if TYPE_CHECKING:
    from dave.edge.node import Node


class Service:
    """One per node that serves HTTP."""

    __slots__ = ("client", "key", "node", "on_stop", "token")

    def __init__(self, node: "Node", client: Client, key: Key | None, token: str) -> None:
        self.node = node
        self.client = client
        """Connected to the node itself; signs with `key`."""
        self.key = key
        """What raw values are signed with (--http-key), if there is one."""
        self.token = token
        """A secret: whoever shows it may write."""
        self.on_stop: list[Callable[[], Awaitable[None]]] = []
        """Called once the node stops to listen, before the requests under way are waited for:
        what would go on for ever, such as a WebSocket, ends itself here."""
