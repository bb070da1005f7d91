"""control.sock: how commands on this machine find the running node and ask it what strangers must
not know. A Unix socket of mode 0600 in the data folder; one JSON object a line each way:

    {"ask": "status"}  ->  {"peers": 4, ...}  or  {"error": "..."}
"""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dave.edge.limits import CONTROL_LINE_BYTES_MAX, CONTROL_SECONDS
from dave.errors import StoreError, UsageError

Answers = Mapping[str, Callable[[], dict[str, Any]]]


class ControlServer:
    """Answers questions, each by a function that returns a JSON object."""

    def __init__(self, path: Path, answers: Answers) -> None:
        self._path = path
        self._answers = answers
        self._writers: list[Any] = []

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
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: Any, writer: Any) -> None:
        self._writers.append(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # It hung up, or its line has no end.
        finally:
            self._writers.remove(writer)
            writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            question = json.loads(line)["ask"]
        except (ValueError, TypeError, KeyError):
            return {"error": 'not a line such as {"ask": "status"}'}
        answer = self._answers.get(question) if isinstance(question, str) else None
        if answer is None:
            return {"error": f"unknown question; ask one of {', '.join(self._answers)}"}
        return answer()


def ask(path: Path, question: str) -> dict[str, Any]:
    """Ask the node whose control socket this is.

    Raises OSError if no node listens there, UsageError if it does not know the question.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(CONTROL_SECONDS)
        with _short(path) as name:
            sock.connect(name)
        sock.sendall(json.dumps({"ask": question}).encode() + b"\n")
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
