"""Whom to turn to first, among peers that would do: who keeps promises, then who is near.

Trust is compared in coarse steps, so that among peers of like trust the round trip decides, and
once in a while a choice ignores it, so that newcomers get their chance to earn some (DESIGN
section 7).
"""

from collections.abc import Callable, Iterable

from dave.limits import TRUST_EXPLORATION, TRUST_STEPS
from dave.names import Instant, Place, Rng
from dave.peers.contact import Contact
from dave.peers.trust import Trust


def by_trust(
    contacts: Iterable[Contact],
    trust: Trust,
    rtt: Callable[[Place], int | None],
    rng: Rng,
    now: Instant,
) -> list[Contact]:
    """The contacts in the order in which to choose them; `rtt` is the routing table's.

    Better trust first, in steps of 1/TRUST_STEPS of the score; of like trust the shorter round
    trip, unknown ones last; then as given. With probability TRUST_EXPLORATION by chance instead.
    """
    contacts = list(contacts)
    if rng.random() < TRUST_EXPLORATION:
        # One draw each, in order: equal draws keep the order given, so ids are never compared.
        drawn = [(rng.random(), i) for i in range(len(contacts))]
        return [contacts[i] for _, i in sorted(drawn)]

    def worth(contact: Contact) -> tuple[int, bool, int]:
        took = rtt(contact.id)
        return -int(trust.score(contact.id, now) * TRUST_STEPS), took is None, took or 0

    return sorted(contacts, key=worth)
