"""Turns the reasons for which peers could not be reached into the one error a person can act on."""

from collections.abc import Sequence

from dave.errors import NetworkError, OtherNetwork, Unreachable
from dave.session.session import FailReason


def network_error(reasons: Sequence[FailReason], edges: str) -> NetworkError:
    """The error for a network of which nobody answered, tried through `edges`."""
    if FailReason.OTHER_NETWORK in reasons:
        return OtherNetwork(
            f"{edges} answers, but is on another network or has another secret: "
            "check --network and --secret-file"
        )
    if FailReason.OTHER_KEY in reasons:
        return OtherNetwork(
            f"{edges} answers with another node key than the one pinned after '#': "
            "if the node was set up anew, drop the pin"
        )
    if FailReason.NODE_WORK in reasons:
        return OtherNetwork(f"{edges} answers, but its node id is not backed by enough work")
    return Unreachable(
        f"no answer from {edges}: is a node running there? "
        "start one with `dave run`, or name another with --edge HOST:PORT"
    )


def too_few_answered(answered: int, asked: int) -> Unreachable:
    """The error for a get that some answered, but not enough to call the entry absent."""
    return Unreachable(
        f"{answered} of the {asked} nodes asked answered, and none of them has it: "
        "too few to say that it is absent; try again"
    )
