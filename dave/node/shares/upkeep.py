"""Keeps the shares that a node holds, and those beside them, where they should be: answers audits,
audits others, and mends. `Node` has one where it gives room to shares.

    stripe_watch --- which stripes to look at, when        prover --- answers the audits
    stripe_survey -- who within reach holds what                       of others
    audits --------- asks, tests, tells trust
    stripe_plan ---- what is lacking, and for whom
    stripe_repair -- when, and which first
    stripe_job ----- one stripe made whole
"""

from dave.names import Instant
from dave.node.core import Core
from dave.node.shares.audits import ShareAudits
from dave.node.shares.fetches import Fetches
from dave.node.shares.prover import ShareProver
from dave.node.shares.service import ShareService
from dave.node.shares.stripe_hands import StripeHands
from dave.node.shares.stripe_repair import StripeRepair
from dave.node.shares.stripe_watch import StripeWatch
from dave.node.shares.uploads import Uploads
from dave.node.timers import Timer
from dave.wire.stream_kind import StreamKind
from dave.wire.stripe import StripeRecord


class ShareUpkeep:
    """Of one node."""

    def __init__(
        self, core: Core, service: ShareService, uploads: Uploads, fetches: Fetches
    ) -> None:
        index = service.index
        self._core = core
        self._effects = effects = service.effects
        self._index = index
        self.prover = ShareProver(core, index, effects.read, self._damaged)
        self.audits = ShareAudits(core, index)
        hands = StripeHands(core, service, uploads, fetches)
        self.repair = StripeRepair(core, index, hands)
        self.watch = StripeWatch(
            core, index, self.audits.ask, self.repair.on_found, self.repair.came
        )
        self.repair.examine = self.watch.examine
        index.on_lost = self._lost
        core.streams.serve(StreamKind.AUDIT, self.prover.serve)

    def start(self, now: Instant) -> None:
        """Begin to look around."""
        self.watch.start(now)

    def status(self) -> dict[str, int]:
        """For `dave status`."""
        audits, repair = self.audits, self.repair
        return {
            "audits_kept": audits.kept,
            "audits_broken": audits.broken,
            "lacking": len(repair),
            "mended": repair.mended,
            "rebuilt": repair.rebuilt,
        }

    def _damaged(self, address: bytes, now: Instant) -> None:
        """A share that was read for an audit is not what it was."""
        self._effects.drop(self._index.lost(address))

    def _lost(self, record: StripeRecord) -> None:
        """The index is about to forget a share. What holds the stripe is asked once it has."""
        stripe_id = record.stripe_id
        # The index knows no time: as soon as the clock is looked at.
        self._core.timers.set(0, Timer.SHARES, lambda now: self.repair.lost(stripe_id, record, now))
