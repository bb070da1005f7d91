"""`python -m tests.putting EDGE...`: a client that puts without pause, and then reads it all.

A line of JSON for each put as it ends: {"number", "why"}; `why` is null where it was acknowledged.
When standard input ends it stops, reads every value that was acknowledged, and prints a last
line: {"started", "unreadable": {number: reason}}.
"""

import asyncio
import json
import sys

import dave
from dave.errors import DaveError, NotStored

IN_FLIGHT = 4
PAUSE_SECONDS = 0.02
TTL = 3600


class Putter:
    """Counts what it began, and what became of it."""

    def __init__(self, client: dave.Client) -> None:
        self._client = client
        self._started = 0
        self._acknowledged: list[int] = []
        self._is_over = False

    async def run(self) -> None:
        """Until standard input ends; then read."""
        loop = asyncio.get_running_loop()
        working = [asyncio.create_task(self._work()) for _ in range(IN_FLIGHT)]
        await loop.run_in_executor(None, sys.stdin.read)
        self._is_over = True
        await asyncio.gather(*working)
        unreadable = {}
        for number in self._acknowledged:
            if why := await self._why_unreadable(number):
                unreadable[number] = why
        print(json.dumps({"started": self._started, "unreadable": unreadable}), flush=True)

    async def _work(self) -> None:
        while not self._is_over:
            number, self._started = self._started, self._started + 1
            why = await self._put(number)
            if why is None:
                self._acknowledged.append(number)
            print(json.dumps({"number": number, "why": why}), flush=True)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _put(self, number: int) -> str | None:
        try:
            await self._client.put(_key(number), _value(number), ttl=TTL)
        except NotStored as error:
            return f"{error}: {error.receipt.refused}"
        except DaveError as error:
            return f"{type(error).__name__}: {error}"
        return None

    async def _why_unreadable(self, number: int) -> str:
        try:
            got = await self._client.get(_key(number))
        except DaveError as error:
            return f"{type(error).__name__}: {error}"
        if got is None:
            return "absent"
        return "" if got.value == _value(number) else "another value"


def _key(number: int) -> bytes:
    return b"number-%d" % number


def _value(number: int) -> bytes:
    return b"%d " % number * 50


async def main(edges: list[str]) -> None:
    """Put and read through those edges."""
    async with dave.connect(edges, key=dave.Key.generate()) as client:
        await Putter(client).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
