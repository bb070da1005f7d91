"""`python -m tests.link A B MILLISECONDS LOSS`: a link between two network devices that delays each
packet and loses some.

Opens two TUN devices of those names and carries packets from each to the other. (`tc netem` does
as much, but not every kernel has it.) Says "ready" and runs until its standard input ends.
"""

import contextlib
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
QUEUED_MAX = 10_000
PACKET_BYTES_MAX = 65_536


def main(a: str, b: str, milliseconds: str, loss: str) -> None:
    """Carry packets, each late by MILLISECONDS and LOSS (0 to 1) of them never."""
    delay, share = float(milliseconds) / 1e3, float(loss)
    rng = random.Random(1)
    ends = (_tun(a), _tun(b))
    queue: list[tuple[float, int, int, bytes]] = []
    count = 0
    print("ready", flush=True)
    while True:
        wait = max(0.0, queue[0][0] - time.monotonic()) if queue else None
        readable, _, _ = select.select([*ends, sys.stdin], [], [], wait)
        if sys.stdin in readable:
            return
        for end in readable:
            packet = os.read(end, PACKET_BYTES_MAX)
            count += 1
            if rng.random() >= share and len(queue) < QUEUED_MAX:
                other = ends[1] if end == ends[0] else ends[0]
                heapq.heappush(queue, (time.monotonic() + delay, count, other, packet))
        while queue and queue[0][0] <= time.monotonic():
            _, _, other, packet = heapq.heappop(queue)
            with contextlib.suppress(OSError):  # the device is not up yet, or no more
                os.write(other, packet)


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


if __name__ == "__main__":
    main(*sys.argv[1:])
