"""Bounds of two parts of the core, which no other part needs to know: watches and pulls. Each has
its unit in its name or says it."""

WATCH_LEASE_SECONDS = 60
"""The longest lease that a node grants; what watchers ask for."""
WATCHES_MAX = 8192
"""Leases that one node keeps, in all ..."""
WATCHES_PER_SUBNET_MAX = 1024
"""... of one public /24 or /48 ..."""
WATCHES_PER_ENTRY_MAX = 2048
"""... on one entry ..."""
WATCHES_PER_SESSION_MAX = 64
"""... and in one session."""
WATCH_SWEEP_SECONDS = 10
"""How often leases that have lapsed are removed."""
NOTIFY_MS = 50
"""Between two versions told to one watch: of more only the newest is."""
NOTIFY_SLICE = 128
NOTIFY_TICK_MS = 2
"""Watches of one entry are told in slices, so that the loop never stops for long."""
NOTIFY_RETRY_MS = 500
"""An unanswered NOTIFY is sent again after this long, then twice that ..."""
NOTIFY_RETRY_MS_MAX = 2_000
NOTIFY_ATTEMPTS = 6
"""... so many times in all; then the watches of its session end."""
NOTIFY_WINDOW = 8
"""NOTIFYs that wait for their answer in one session; others follow as it answers."""
NOTIFY_UNANSWERED_MAX = 16
"""Sent in a session without any answer: the most that one which fell silent is sent at all."""
WATCH_RENEW_SECONDS_MIN = 5
"""A lease is not renewed sooner, however short a node grants it."""
WATCH_REPLICAS = 2
"""Nodes at which a watcher takes leases."""
WATCH_POLL_SECONDS = 60
"""How often a watcher asks all of the region besides, whatever the leases bring ..."""
WATCH_POLL_SECONDS_FIRST = 1
WATCH_POLL_SECONDS_ALONE = 10
"""... after its first look, and while nobody grants it a lease."""
WATCH_POLL_PATIENCE_SECONDS = 5
WATCH_AVOID_SECONDS = 60
"""A node that refused a lease, or failed, is not asked for one so long ..."""
WATCH_FORGER_SECONDS = 3600
"""... and one that brought a forged version."""
WATCH_SKIPPED_MAX = 2**32 - 1

SYNC_PIECE_BYTES_MAX = 32 << 10
"""What a source gathers for one piece, before its last entry: less than a stream may carry."""
SYNC_LOOKED_MAX = 32
"""Entries that a source looks at for one piece: some 0.3 ms."""
SYNC_NAMED_MAX = 8
"""Peers of which is remembered what they were named last."""
SYNC_IN_HAND_MAX = 512
"""Entries pulled that are being verified and written."""
SYNC_WAITING_MAX = 256
"""Peers that wait for their turn to be pulled from."""
SYNC_JITTER_SECONDS = 10.0
"""A gap is pulled after about so long, at random, so that neighbours do not do so all at once."""
SYNC_MEET_SECONDS = 60
"""Where many nodes come, who should hold what is clear, here and there, after about so long ..."""
SYNC_FEW = 2
SYNC_SOON_SECONDS = 2.0
"""... and this soon where so few do."""
SYNC_WAIT_SECONDS = 90
"""While nodes keep coming a pull waits for no longer than this."""
SYNC_TOLD_MAX = 65_536
"""Entries that were pulled, and wait to be announced until all pulls are done."""
SYNC_STALL_SECONDS = 20
"""A pull that moved by nothing for so long gives its turn away."""
SYNC_PULL_SECONDS_MAX = 600
"""So long one pull may keep the others waiting, however it comes forward; it goes on later."""
SYNC_TRIES = 5
"""So often a broken stream, and then a failed pull, is tried again without coming forward."""
SYNC_AGAIN_SECONDS = 30
"""A pull that failed is tried again after about so long."""
SYNC_AWAITED_MAX = 1024
"""Versions announced by one peer that are still on their way."""
SYNC_AWAITED_SECONDS = 15
"""What was announced and has not come by then is pulled."""
CLOCKS_MAX = 2048
"""Peers of which is known how far we have what they have."""

assert NOTIFY_WINDOW < NOTIFY_UNANSWERED_MAX
