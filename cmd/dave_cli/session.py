"""What the commands of one `dave shell` share: its options, the owner's key, and open clients.

A command asks for its client and key in `options.py`, which comes here where `args.session` is set.
So commands know nothing of the shell, and a second `get` finds the connection of the first.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from dave.errors import DaveError
from dave_cli.options import resolve

CLIENTS_MAX = 4
"""Most clients kept open: one for each network, list of edges and owner that commands named."""


class Shared(NamedTuple):
    """A client, and what it was opened with."""

    edges: list[str]
    how: dict[str, Any]
    owner: bytes | None
    client: Any


class Session:
    """Lives as long as the shell. `given`: the shell's own options, which hold for each command
    that has them and says nothing else."""

    def __init__(self, given: Namespace) -> None:
        self.given = given
        self._clients: list[Shared] = []
        self._keys: dict[Path, tuple[int, Any]] = {}

    def parse(self, parser: ArgumentParser, words: list[str]) -> Namespace:
        """A command's arguments, with the shell's options where it says nothing itself. Raises
        SystemExit as argparse does."""
        given, own = vars(self.given), {action.dest for action in parser._actions}
        # --edge replaces the shell's, where a default would be added to.
        parser.set_defaults(**{k: v for k, v in given.items() if k in own and k != "edge"})
        args = parser.parse_intermixed_args(words)
        if "edge" in own and not args.edge:
            args.edge = self.given.edge
        args.session = self
        if "settings" in args:
            resolve(args)
        return args

    @contextmanager
    def client(self, opening: partial[Any]) -> Iterator[Any]:
        """The client that `opening` would open, or one opened so before. Who asks for no key does
        as well with one that has a key. It stays open."""
        how = dict(opening.keywords)
        key, edges = how.pop("key"), opening.args[0]
        owner = None if key is None else key.owner
        for shared in self._clients:
            if (shared.edges, shared.how) == (edges, how) and owner in (None, shared.owner):
                break
        else:
            if len(self._clients) >= CLIENTS_MAX:
                _close(self._clients.pop(0))
            shared = Shared(edges, how, owner, opening())
            self._clients.append(shared)
        yield shared.client

    def owner_key(self, path: Path) -> Any:
        """The key of a file that was read before and has not changed since, or None. So a
        passphrase is asked for once."""
        changed, key = self._keys.get(path, (0, None))
        return key if key is not None and changed == _changed(path) else None

    def keep_key(self, path: Path, key: Any) -> None:
        """Remember what a key file holds."""
        self._keys = {path: (_changed(path), key)}

    def close(self) -> None:
        """End all clients, which writes what directories lack."""
        while self._clients:
            _close(self._clients.pop())


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _close(shared: Shared) -> None:
    try:
        shared.client.close()
    except DaveError as error:
        print(f"dave: warning: {error}", file=sys.stderr)
