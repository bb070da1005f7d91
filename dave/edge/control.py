"""control.sock: how commands on this machine find the running node and ask it what strangers must
not know. A Unix socket of mode 0600 in the data folder; one JSON object a line each way:

    {"ask": "status"}  ->  {"peers": 4, ...}  or  {"error": "..."}

What needs more than a word, or time, is a task: it gets the whole object and is waited for. Lines
may carry an owner's key, and are never logged.
"""

import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dave.edge.limits import CONTROL_LINE_BYTES_MAX, CONTROL_SECONDS
from dave.errors import DaveError, StoreError, Unreachable, UsageError

Answers = Mapping[str, Callable[[], dict[str, Any]]]
Tasks = Mapping[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]]


class ControlServer:
    """Answers questions, each by a function that returns a JSON object, and does tasks."""

    def __init__(self, path: Path, answers: Answers, tasks: Tasks | None = None) -> None:
        self._path = path
        self._answers = answers
        self._tasks = tasks or {}
        self._writers: list[Any] = []
        self._server: Any = None

    async def start(self) -> None:
        """Listen. The data folder is locked, so a socket that is there is a dead node's.

        Raises StoreError if the folder takes no socket.
        """
        import asyncio

        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        old_mask = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            with _short(self._path) as name:
                listener.bind(name)
        except OSError as error:
            listener.close()
            raise StoreError(
                f"cannot make {self._path}: {error.strerror or error}; "
                "move away what is there, or give another folder with --data DIR"
            ) from error
        finally:
            os.umask(old_mask)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listener, limit=CONTROL_LINE_BYTES_MAX
        )

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: Any, writer: Any) -> None:
        self._writers.append(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # It hung up, or its line has no end.
        finally:
            self._writers.remove(writer)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            question = asked["ask"]
        except (ValueError, TypeError, KeyError):
            return {"error": 'not a line such as {"ask": "status"}'}
        if not isinstance(question, str):
            question = ""
        task = self._tasks.get(question)
        if task is not None:
            try:
                return await task(asked)
            except DaveError as error:
                return {"error": str(error)}
        answer = self._answers.get(question)
        if answer is None:
            known = ", ".join([*self._answers, *self._tasks])
            return {"error": f"unknown question; ask one of {known}"}
        return answer()


def no_answer(path: Path, error: OSError) -> Unreachable:
    """What it means for a person that `ask` raised this."""
    folder = path.parent
    if isinstance(error, PermissionError):
        return Unreachable(
            f"{folder} belongs to another user: whether a node runs there is told to that one, "
            "so ask with sudo -u"
        )
    if isinstance(error, TimeoutError):
        return Unreachable(
            f"the node on {folder} is there and does not answer: it is stopped, or has far too "
            "much to do"
        )
    return Unreachable(
        f"no node is running on {folder}: start one with `dave run`, or name its folder with --data"
    )


def ask(
    path: Path, question: str, *, patience: float = CONTROL_SECONDS, **details: Any
) -> dict[str, Any]:
    """Ask the node whose control socket this is. `patience`: seconds to wait for the answer.

    Raises OSError if no node listens there, UsageError if it does not know the question, or says
    why it cannot do the task.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(patience)
        with _short(path) as name:
            sock.connect(name)
        sock.sendall(json.dumps({"ask": question, **details}).encode() + b"\n")
        with sock.makefile("rb") as lines:
            line = lines.readline()
    if not line:
        raise ConnectionResetError("the node hung up")
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:
        raise ConnectionResetError("whoever listens there is no node") from None
    if "error" in answer:
        raise UsageError(str(answer["error"]))
    return answer


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for a socket that fits the 107 bytes which the system allows."""
    if len(os.fsencode(path)) <= 100 or not os.path.isdir("/proc/self/fd"):
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
