"""The token of the HTTP interface: what stands in DATA/http.token, and is shown by whoever writes.

Made once, so that scripts may rely on it; an operator may put one of his own there.
"""

import os
import re
import secrets
from pathlib import Path

from dave.edge.disk import sync_folder
from dave.edge.limits import HTTP_TOKEN_CHARS_MAX, HTTP_TOKEN_CHARS_MIN
from dave.errors import KeyFileError

TOKEN_BYTES = 32

_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{HTTP_TOKEN_CHARS_MIN},{HTTP_TOKEN_CHARS_MAX}}}")
"""What can stand in a header and in the name of a WebSocket's subprotocol."""


def load_or_make_token(path: Path) -> str:
    """The token in the file, which is made, with mode 0600, where it is missing.

    Raises KeyFileError for a file that others can read, or that holds no token.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return _make(path)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        if os.fstat(fd).st_mode & 0o077:
            raise KeyFileError(f"{path}: others can read this token; run `chmod 600 {path}` first")
        text = os.read(fd, HTTP_TOKEN_CHARS_MAX + 2)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    finally:
        os.close(fd)
    token = text.decode("ascii", "replace").strip()
    if not _TOKEN.fullmatch(token):
        raise KeyFileError(
            f"{path} holds no token: that is {HTTP_TOKEN_CHARS_MIN} to {HTTP_TOKEN_CHARS_MAX} "
            "letters, digits, - and _; remove the file, and the next start makes another"
        )
    return token


def _make(path: Path) -> str:
    """Written beside and renamed: a file of that name is never a part of one. The data folder is
    locked, so that nobody else makes one."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(token.encode() + b"\n")
            file.flush()
            os.fsync(fd)
        os.rename(beside, path)
        sync_folder(path.parent)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be made: {error.strerror}") from error
    return token
