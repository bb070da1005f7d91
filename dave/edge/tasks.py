"""Coroutines side by side without an event loop: what a blocking driver runs between two waits.

A task goes on when what it waits for has come: the result of an operation of the core, a moment, or
the end of another task. It is as much of asyncio as the verbs need, at a hundredth of its import.
"""

from collections.abc import Callable, Coroutine, Generator
from typing import Any

from dave.names import SECOND, Instant


class Pause:
    """What a task waits for; awaited, it suspends the task until `is_over`."""

    __slots__ = ("due", "is_over")

    def __init__(self, is_over: Callable[[], bool], due: Instant | None = None) -> None:
        self.is_over = is_over
        self.due = due
        """When it is over whatever happens."""

    def __await__(self) -> Generator["Pause", None, None]:
        if not self.is_over():
            yield self


class Flag:
    """A signal between tasks: see `Signal` in edge/driver.py. now: the clock of pauses."""

    __slots__ = ("_is_set", "_now")

    def __init__(self, now: Callable[[], Instant]) -> None:
        self._now = now
        self._is_set = False

    def set(self) -> None:
        """Let the task that waits go on."""
        self._is_set = True

    async def wait(self, seconds: float | None = None) -> None:
        """Until it is set, or so much time has passed; it is not set any more then."""
        due = None if seconds is None else self._now() + int(seconds * SECOND)
        await Pause(lambda: self._is_set or (due is not None and self._now() >= due), due)
        self._is_set = False


class Task:
    """A coroutine under way."""

    __slots__ = ("_coroutine", "_error", "_pause", "_result", "is_done")

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self._pause: Pause | None = None
        self._result: Any = None
        self._error: Exception | None = None
        self.is_done = False

    @property
    def due(self) -> Instant | None:
        """When it goes on whatever happens."""
        return None if self._pause is None else self._pause.due

    def goes_on(self) -> bool:
        """Run it to its next wait, if it can go on; returns whether it could."""
        if self._pause is not None and not self._pause.is_over():
            return False
        try:
            self._pause = self._coroutine.send(None)
            assert isinstance(self._pause, Pause), "a wait that is not the driver's suspended"
        except StopIteration as stop:
            self._result = stop.value
            self.is_done = True
        except Exception as error:
            self._error = error
            self.is_done = True
        return True

    def result(self) -> Any:
        """What it returned; raises what it raised."""
        assert self.is_done
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> None:
        """End it where it stands."""
        self.is_done = True
        self._coroutine.close()
