"""What an operator may turn in a core: how many copies, how many questions at a time, how patient.

The defaults are the numbers of limits.py. A range ends where the protocol, or what follows from the
number, ends: an answer names at most 20 nodes, so that more copies would not be found in one; of
fewer than three nodes the distances scatter too much to tell a crowd from chance.
"""

from typing import NamedTuple

from dave.errors import UsageError
from dave.limits import (
    BUCKET_CONTACTS,
    HANDSHAKE_ATTEMPTS,
    LOOKUP_GIVE_UP_MS,
    LOOKUP_PARALLEL,
    LOOKUP_PATIENCE_MS,
    REPLICAS,
    REQUEST_ATTEMPTS,
    REQUEST_RETRY_MS_FIRST,
    REQUEST_RETRY_MS_MAX,
    REQUEST_RETRY_MS_MIN,
)


class Tuning(NamedTuple):
    """Of one core, node or client. Only `replicas` must be the same in all of a network; all else
    is each one's own affair. RANGES says what is allowed."""

    replicas: int = REPLICAS
    """R: how many nodes nearest to an entry should hold it."""
    bucket_contacts: int = BUCKET_CONTACTS
    """K: contacts in one bucket of a node's routing table."""
    parallel: int = LOOKUP_PARALLEL
    """alpha: how many nodes a lookup asks at a time, beside those that are late."""
    patience_ms: int = LOOKUP_PATIENCE_MS
    """After so long a lookup asks the next beside a node of unknown round trip ..."""
    give_up_ms: int = LOOKUP_GIVE_UP_MS
    """... and after so much more it does without it, if anybody else has answered."""
    retry_ms: int = REQUEST_RETRY_MS_FIRST
    """A request is sent again after so long where no round trip was measured yet; doubling ..."""
    retry_ms_max: int = REQUEST_RETRY_MS_MAX
    """... up to this ..."""
    attempts: int = REQUEST_ATTEMPTS
    """... and so many times in all."""
    handshake_attempts: int = HANDSHAKE_ATTEMPTS
    """Packets of a handshake that may go unanswered; fewer than 8 are a second apart."""

    def check(self) -> None:
        """Raises UsageError for what is out of its range, saying what is allowed."""
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise UsageError(f"tuning: {name} is from {least} to {most}, not {value!r}")
        if self.retry_ms > self.retry_ms_max:
            raise UsageError(
                f"tuning: retry_ms ({self.retry_ms}) is at most retry_ms_max ({self.retry_ms_max})"
            )


RANGES: dict[str, tuple[int, int]] = {
    "replicas": (3, BUCKET_CONTACTS),
    "bucket_contacts": (4, BUCKET_CONTACTS),
    "parallel": (1, 16),
    "patience_ms": (10, 60_000),
    "give_up_ms": (10, 60_000),
    "retry_ms": (REQUEST_RETRY_MS_MIN, 60_000),
    "retry_ms_max": (REQUEST_RETRY_MS_MIN, 60_000),
    "attempts": (1, 20),
    "handshake_attempts": (1, HANDSHAKE_ATTEMPTS),
}
"""The least and the most of each."""

DEFAULT = Tuning()
