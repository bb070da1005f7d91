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
WATCH_EVENTS_KEPT = 64
"""Versions that wait for whoever reads them; of more, the oldest count as skipped."""
CONTROL_LINE_BYTES_MAX = 1 << 20
CONTROL_SECONDS = 2.0
JOURNAL_COMPACT_FACTOR = 2
"""The journal is compacted when it is this many times what it holds alive."""
BEACON_SECONDS_FIRST = 1.0
"""Between two beacons at first; then twice as long each time, give or take a quarter ..."""
BEACON_SECONDS_ALONE_MAX = 8.0
"""... up to this while nobody is known, ..."""
BEACON_SECONDS_MAX = 60.0
"""... and to this else."""
BEACONS_REMEMBERED = 16
"""Beacons of our own that come back to us are known as such."""
MEET_DELAY_SECONDS = 1.0
"""Who hears a beacon asks its sender at random within this time, so that not all ask at once."""
MEETS_PER_SECOND = 4
MEETS_PENDING_MAX = 32
"""Addresses heard on the local network that are tried: so many a second, so many at once."""
TIMEOUT_SECONDS_DEFAULT = 5.0
CONCURRENCY_DEFAULT = 32
"""Puts or gets under way at a time in put_many and get_many ..."""
BUSY_PAUSE_SECONDS = 0.1
"""... each of which waits so long, doubling, after nodes were too busy for a put ..."""
BUSY_TRIES = 6
"""... and tries it so many times in all."""
DIRECTORY_GATHER_SECONDS = 1.0
"""So long names are gathered before the directory is written."""
DIRECTORY_PENDING_MAX = 65_536
"""Names that wait for that; of more, a flush tells how many are left out."""
DIRECTORY_TRIES = 8
"""Times that an entry of the directory is read and written anew after others wrote it first."""
DIRECTORY_SECONDS = 5
"""After so long there is no further try."""
DIRECTORY_PAUSE_SECONDS = 0.02
"""Between the first two of them, on average; doubling."""
DIRECTORY_PARALLEL = 16
"""Reads or writes of the directory under way at a time."""
DIRECTORY_PAGES_MAX = 16_384
"""Pages read for one listing, of some 20 names each ..."""
DIRECTORY_LIST_SECONDS = 60
"""... and no page is begun after so long: an owner may mean harm, and pages are cheap to him."""
DIRECTORY_SLACK_SECONDS = 7 * 86_400
"""What others stand on is put for so long at least, so that it is seldom put again."""
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

STATE_SAVE_SECONDS = 10.0
"""Between two looks at what of a node's memory has changed and is to be saved."""
STATE_WAL_BYTES_MAX = 4 << 20
"""A longer write-ahead log is taken over into the database."""
STATE_CONTACTS_MAX = 1024
"""Contacts in the database; of more, those unseen for longest go."""
STATE_PROMISES_SLICE = 256
"""Changed promises saved in one go, every STATE_PROMISES_SECONDS. Their keys are hashes, so that
each costs a page of its own: at most 2 MB/s."""
STATE_PROMISES_SECONDS = 1.0
STATE_SET_ASIDE_MAX = 100
"""Databases set aside within one second, for which there is a name."""

SHARE_CAPACITY_BYTES_DEFAULT = 10 << 30
"""Disk for shares of files, unless that were more than half of what is free."""
SHARE_WRITERS = 4
"""Threads that write shares: an fsync takes a millisecond, and several share a commit of the
file system's."""
SHARE_READERS = 2
SHARE_HANDLES_MAX = 64
"""Files kept open, since a share is read in slices."""
SHARE_DISK_RESERVE_BYTES = 256 << 20
"""Room that shares leave on the disk for the journal, at most a sixteenth of the disk."""
SHARE_ROOM_BYTES = 16 << 20
"""Written before the system is asked again whether that room is there."""
SHARE_GATHER_SECONDS = 0.02
"""Under steady traffic records are committed so often: a commit costs a third of what writing a
share does, whether of one record or of many."""
SHARE_BATCH_MAX = 512
"""Changes in one transaction of the shares' database."""
SCRUB_BYTES_PER_SECOND = 1 << 20
"""So fast shares are read again to find damage: 10 GiB in three hours."""
SCRUB_ROUND_SECONDS_MIN = 86_400
"""And each of them not more than once a day."""

RENEWALS_MAX = 10_000
RENEWAL_TTL_SECONDS_MIN = 60
"""Shorter lives are not worth renewing."""
RENEWAL_LOOK_SECONDS = 30.0
"""The wall clock may be set: it is read at least this often."""
RENEWAL_START_SECONDS = 5.0
"""So long a node looks for its neighbours before it renews anything."""
RENEWAL_TIMEOUT_SECONDS = 20.0
RENEWALS_AT_ONCE = 4
"""Entries looked after at a time; of these one file, which may take hours ..."""
RENEWAL_STRIPES_AT_ONCE = 8
"""... and so many stripes of it."""
RENEWAL_RETRY_SECONDS_MAX = 3600
RENEWAL_NOTE_CHARACTERS_MAX = 200

HTTP_PORT_DEFAULT = 8080
HTTP_TOKEN_CHARS_MIN = 32
HTTP_TOKEN_CHARS_MAX = 128
HTTP_CONNECTIONS_MAX = 256
"""Connections to the HTTP interface; what comes beyond is told so and closed."""
HTTP_CONNECTIONS_OUTSIDE_MAX = 192
"""Of these, what other machines may have: the rest is for the one that the node runs on."""
HTTP_HEAD_BYTES_MAX = 32 << 10
"""What a connection may send without saying all of a request's head."""
HTTP_FIELDS_MAX = 64
"""Header fields of a request."""
HTTP_IDLE_SECONDS = 20.0
"""So long a connection may take to say what it wants."""
HTTP_LINGER_SECONDS = 2.0
"""What a client still sends after it was refused is read for so long, so that it sees why."""
HTTP_STALL_SECONDS = 30.0
"""So long a client may take for the next piece of a body, up or down."""
HTTP_PIECE_BYTES = 64 << 10
HTTP_STREAMS_MAX = 8
"""Values on their way up, files on their way down, directories that are read: at a time, of those
who show the token, and as many of those who do not. Each may hold 10 MB."""
HTTP_LISTINGS_MAX = 2
"""Directories that are read at a time for those who show no token: one may have 300,000 names."""
HTTP_TIMEOUT_SECONDS_MAX = 60
HTTP_SETTLE_SECONDS = 0.5
"""After a quorum has stored an entry, so long its receipt waits for what the others say."""
HTTP_NAMES_DEFAULT = 1000
HTTP_NAMES_MAX = 100_000
"""Names in one listing of a directory."""
HTTP_HEALTH_SECONDS = 10.0
"""So long what a check of the health found is told again."""
HTTP_HEALTH_TIMEOUT_SECONDS = 5.0
HTTP_METRICS_SECONDS = 1.0
"""So long whoever shows no token is told the same metrics, as they cost 7 ms of the loop."""
HTTP_STOP_SECONDS = 3.0
"""What is under way when the node stops may go on for so long."""

KEY_FILE_BYTES_MAX = 4096
KEY_FILE_ARGON_PASSES = 3
"""With 64 MiB, the second choice of RFC 9106 section 4, here in one lane."""
KEY_FILE_ARGON_BYTES = 64 << 20
KEY_FILE_ARGON_PASSES_MAX = 64
"""What a key file may ask of the machine that opens it."""
KEY_FILE_ARGON_BYTES_MAX = 1 << 30

UPLOAD_SYNC_SECONDS = 1.0
"""So much of an upload a power cut may make the client forget; nodes know what they hold."""
RESUME_SHARE = 1 / 4
"""Of its lifetime an upload may have spent when it goes on; later it begins anew."""
UPLOAD_IN_FLIGHT_BYTES = 16 << 20
"""Shares of stripes that are on their way, of all uploads of a client ..."""
UPLOAD_PAUSE_SECONDS = 0.02
"""... and how often one that has none of it looks whether there is room."""
UPLOAD_STRIPES_FIRST = 4
UPLOAD_STRIPES_MAX = 16
"""Stripes of one upload under way, at first and at most ..."""
UPLOAD_STRIPE_SECONDS = 5.0
"""... and fewer where one takes longer than this."""
SHARE_SECONDS = 30.0
"""So long a node may take for one share."""
GREET_SECONDS = 1.0
"""At the beginning a node that says nothing for so long is left out too."""
GREET_LOOK_SECONDS = 0.005
SPARE_NODES = 6
"""Nodes beyond the n nearest to a stripe that may take a share in place of one of these."""
PIPE_LOOK_SECONDS = 0.2
"""How often a thread that reads a silent pipe looks whether it is still wanted."""
KNOWN_ROWS_MAX = 131_072
"""Stripes of earlier versions that an upload remembers: some 20 MB, 128 GiB at 4 of 6."""

CONFIG_BYTES_MAX = 1 << 20
"""A configuration file."""
EVENT_DRAIN_SECONDS = 0.1
"""How often what the core has to tell is taken, while somebody listens at /v1/events ..."""
EVENTS_PER_DRAIN = 20
"""... and how many events of a kind are told each time; what is beyond is counted."""
EVENTS_QUEUED_MAX = 1024
"""Events that wait for one slow reader; of more the oldest count as missed."""
SOCKETS_MAX = 32
"""WebSockets of a kind (events, watches) that are open at a time."""
SOCKET_PING_SECONDS = 20.0
"""Whoever does not answer a ping within half of that is hung up on."""
SOCKET_MESSAGE_BYTES_MAX = 1024
"""What a WebSocket may say to us: nothing is expected."""
SHARDS_KEPT_SECONDS = 10
SHARDS_AT_ONCE = 16
"""Shards looked at in one turn of the loop for /v1/shards, and how old its answer may be."""
TRAFFIC_SECONDS = 5.0
TRAFFIC_SAMPLES_KEPT = 361
"""Half an hour of the node's counters."""
NAMES_KEPT_SECONDS = 3
NAMES_KEPT_SECONDS_EACH = 0.005
"""So long /v1/names goes by what the directory said, at least, and for each name in it ..."""
NAMES_TOLD_MAX = 1000
"""... and of more it tells those that expire first."""

LOG_ALIKE_MAX = 10
"""Lines of the log from one place of the code that are told in LOG_ALIKE_SECONDS."""
LOG_ALIKE_SECONDS = 60
LOG_KINDS_MAX = 256
"""Places of the code of which that is remembered."""
LOG_DROPS_MIN = 100
"""Datagrams dropped in LOG_DROPS_SECONDS that are worth a line."""
LOG_DROPS_SECONDS = 60
LOG_JOIN_SECONDS = 15
"""A node that knows nobody after so long says why, and again every LOG_JOIN_AGAIN_SECONDS."""
LOG_JOIN_AGAIN_SECONDS = 3600
LOG_CLOCK_SECONDS = 30
"""A clock that is off by more than this is told of ..."""
LOG_CLOCK_VOICES = 3
"""... where so many peers, or all, say so."""

DOCTOR_JOURNAL_BYTES_MAX = 64 << 20
"""Of a journal, what `dave doctor` reads."""
DOCTOR_SECONDS = 2.0
"""So long it waits for each answer of the network."""
DOCTOR_DIAL_SECONDS = 4.0
"""So long a stranger may take to dial the address at which a node is to run."""
DOCTOR_NODES_MAX = 8
"""So many nodes beside the edges it asks."""
DOCTOR_PINGS = 10
"""Requests to each edge, for the round trip and the rate of answers."""
