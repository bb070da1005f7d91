"""Bounds of the bulk channel, each with its unit in its name. What a piece and a request may be
stands in limits.py, since all users of streams need it."""

from dave.limits import PIECE_BYTES_MAX

# --- Specification: what a peer can see ------------------------------------------------------

BULK_DATA_BYTES_MAX = 32_768
"""Bytes of a piece in one frame; so many of one stream go before another has its turn."""
STREAM_CREDIT_MAX = 16 << 20
"""The largest window that a peer may give; one that gives more is hung up on."""

# --- This implementation's own choice --------------------------------------------------------

STREAM_WINDOW_BYTES = 512 << 10
"""The window that we give: pieces not consumed, and the one that is coming."""
STREAMS_SERVED_MAX = 512
"""Streams that we answer, of which each holds a piece at most; what is asked beyond is BUSY."""
STREAMS_PER_PEER_MAX = 128
"""For one peer, and for one public /24 or /48. When all are taken, who has fewest gets one of those
who have most: so that shares come to be alike (max-min fairness), however many want all."""
STREAMS_ASKED_MAX = 256
LINKS_ACCEPTED_MAX = 192
LINKS_DIALLED_MAX = 192
"""Connections of the bulk channel; who fills the one cannot keep us from the other."""
LINKS_PER_PEER_MAX = 2
"""That one peer has opened; of more the one opened first is taken for dead."""
LINKS_PER_SUBNET_MAX = 8
"""From one public /24 or /48, half-open ones too."""
LINKS_HALF_OPEN_MAX = 64
"""Accepted, and not yet proven by a frame; of more the oldest goes."""
LINK_OPEN_SECONDS = 5
"""From connecting to the first frame."""
LINK_LOOK_SECONDS = 5
"""Between two looks at what a connection waits for."""
LINK_KEEP_SECONDS = 10
"""With a stream open something is sent this often ..."""
LINK_SILENT_SECONDS = 30
"""... and a peer not heard, or that takes nothing, for so long is gone."""
LINK_IDLE_SECONDS = 60
"""A connection without a stream is ended by who dialled, and half as long after by the other."""
STREAM_STALL_SECONDS = 60
"""A stream whose asker gives no credit for so long is ended."""
STREAM_SECONDS_MAX = 600
"""And so is any stream after so long: who needs more asks again, from where it is."""
LINK_QUEUE_MAX = 256
"""Small frames that wait to be sent; a peer that asks much and reads nothing is hung up on."""
LINK_SLICE_BYTES = 128 << 10
LINK_SLICE_FRAMES = 8
"""Sent or read in one go, after which datagrams have their turn: some 0.3 ms, and what so many
pieces cost their sources, however small they are."""

assert STREAM_WINDOW_BYTES >= 4 * PIECE_BYTES_MAX, "a piece fits beside half of it, unreturned"
assert STREAM_WINDOW_BYTES <= STREAM_CREDIT_MAX
assert 16 <= STREAMS_PER_PEER_MAX <= STREAMS_SERVED_MAX // 4
