"""The node and the client as thousands of them fit into one process.

Only one thing differs: the table of rate limits, half a megabyte in production, has few slots. More
subnets then share one, which matters to who is flooded by many, and nobody floods so here.
"""

from dave.node.client import Client
from dave.node.node import Node

RATE_SLOTS = 1024


class LeanNode(Node):
    """The node that runs here."""

    rate_slots = RATE_SLOTS


class LeanClient(Client):
    """The client that runs here."""

    rate_slots = RATE_SLOTS
