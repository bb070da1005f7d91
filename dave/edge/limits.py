"""Bounds of what the edge does: sockets, signature workers, the journal's upkeep, searches, key
files. Each has its unit in its name or says it. What the core is bound by, and what peers can see,
stands in dave/limits.py."""

DRAIN_DATAGRAMS = 64
RECEIVE_BUFFER_BYTES = 4 << 20
SEND_QUEUE_DATAGRAMS_MAX = 1024
"""Waiting for room in the kernel's send buffer; what comes beyond is dropped and counted."""
GSO_BYTES_MAX = 65_000
GSO_SEGMENTS_MAX = 64
"""Linux UDP_SEGMENT: one send is at most a full IP packet and, on older kernels, 64 segments."""
GSO_REFUSALS_MAX = 8
"""Refusals in a row after which a socket stops trying: one path with a small MTU is not enough."""
LISTEN_ATTEMPTS = 32
"""Tries to find one port number that is free for UDP and TCP on both families."""
LISTEN_BACKLOG = 128
ACCEPTS_AT_ONCE = 16
"""Connections of the bulk channel that wait in the kernel, and that a turn of the loop accepts."""
ACCEPT_AGAIN_SECONDS = 1.0
"""So long none is accepted after the system has refused to."""
VERIFY_INLINE = 8
"""Signatures that may wait and are still verified at once; more of them are pressure."""
VERIFY_SLICE = 32
"""Signatures verified in one go under pressure while no worker is up: about 2 ms."""
VERIFY_START_COST = 512
"""Signatures verified here under pressure before a worker starts: what starting one costs."""
VERIFY_WINDOW = 2
"""Batches one worker has in hand, so that it never waits for the next."""
VERIFY_IDLE_SECONDS = 10
VERIFY_DEADLINE_SECONDS = 5
"""A worker that owes a verdict for this long is taken for dead."""
VERIFY_DEATHS_MAX = 3
"""Workers that may die without a verdict in between before verifying stays in this process."""
TIMER_SLACK_MS = 5
"""A client's alarms may ring this late, so that many ring at once."""
RESULTS_KEPT = 1024
"""Results of operations that nobody has asked for yet; of more, the oldest go."""
CONTROL_LINE_BYTES_MAX = 1 << 20
CONTROL_SECONDS = 2.0
JOURNAL_COMPACT_FACTOR = 2
"""The journal is compacted when it is this many times what it holds alive."""
TIMEOUT_SECONDS_DEFAULT = 5.0
PORT_DEFAULT = 1424
MAX_WORK_DEFAULT = 2**28
"""Most expected hashes that a put spends where full nodes ask for more; seconds with the kernel."""

SEARCH_SLICE_HASHES_KERNEL = 2**20
"""A stamp search looks up after as many hashes: 8 ms with vectors, 70 ms at worst."""
SEARCH_SLICE_HASHES_PURE = 2**16
SEARCH_AT_ONCE_HASHES = 2**16
"""Up to this work the kernel searches in the event loop's own thread: half a millisecond, where
handing it to another costs a fifth of one."""
SEARCH_INLINE_HASHES_KERNEL = 2**22
"""Up to this work a search uses one core: helpers would start for longer than it lasts."""
SEARCH_INLINE_HASHES_PURE = 2**18
SEARCH_TICK_SECONDS = 0.05
SEARCH_REPORT_SECONDS = 0.2

KEY_FILE_BYTES_MAX = 4096
KEY_FILE_ARGON_PASSES = 3
"""With 64 MiB, the second choice of RFC 9106 section 4, here in one lane."""
KEY_FILE_ARGON_BYTES = 64 << 20
KEY_FILE_ARGON_PASSES_MAX = 64
"""What a key file may ask of the machine that opens it."""
KEY_FILE_ARGON_BYTES_MAX = 1 << 30
