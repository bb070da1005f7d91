"""What commands of a session share, and what they do not."""

from argparse import Namespace
from functools import partial

import pytest

from dave.edge.keyfile import Key
from dave.errors import NotListed
from dave_cli import session as sessions
from dave_cli.main import make_parser
from dave_cli.session import Session


class Opened:
    """A client that does nothing but be closed."""

    def __init__(self, edges, *, key, network="dave", error=None):
        self.edges, self.key, self.network = edges, key, network
        self.error = error
        self.is_closed = False

    def close(self):
        self.is_closed = True
        if self.error:
            raise self.error


def opened(session, edges=("a:1",), key=None, **how):
    with session.client(partial(Opened, list(edges), key=key, **how)) as client:
        return client


@pytest.fixture
def session():
    return Session(make_parser("shell").parse_args(["--edge", "h:1", "--json", "--network", "n"]))


def test_the_shells_options_hold_where_a_command_says_nothing(session):
    args = session.parse(make_parser("get"), ["name"])
    assert (args.edge, args.json, args.network, args.session) == (["h:1"], True, "n", session)
    args = session.parse(make_parser("get"), ["name", "--edge", "i:2", "--network", "m"])
    assert (args.edge, args.network) == (["i:2"], "m")
    args = session.parse(make_parser("status"), [])
    assert args.json
    assert not hasattr(args, "edge")


def test_what_the_environment_gets_wrong_is_said_once_by_the_shell(session, monkeypatch, capsys):
    monkeypatch.setenv("DAVE_TIMEOT", "3")
    args = session.parse(make_parser("get"), ["name"])
    assert capsys.readouterr().err == ""
    assert args.chosen.chosen("client.timeout").origin == "default"


def test_a_client_is_shared_by_whom_it_serves(session):
    mine, yours = Key.generate(), Key.generate()
    client = opened(session, key=mine)
    assert opened(session, key=mine) is client
    assert opened(session) is client
    assert opened(session, key=yours) is not client
    assert opened(session, edges=("b:1",)) is not client
    assert opened(session, network="other") is not client
    assert not client.is_closed


def test_clients_are_bounded_and_closed_in_the_end(session, monkeypatch, capsys):
    monkeypatch.setattr(sessions, "CLIENTS_MAX", 2)
    first, second, third = (opened(session, edges=(f"{n}:1",)) for n in range(3))
    assert (first.is_closed, second.is_closed, third.is_closed) == (True, False, False)
    opened(session, edges=("sad:1",), error=NotListed("not listed"))
    session.close()
    assert second.is_closed
    assert third.is_closed
    assert capsys.readouterr().err == "dave: warning: not listed\n"


def test_a_key_is_kept_until_its_file_changes(tmp_path):
    session, path, key = Session(Namespace()), tmp_path / "owner.key", Key.generate()
    assert session.owner_key(path) is None
    key.save(path)
    session.keep_key(path, key)
    assert session.owner_key(path) is key
    path.unlink()
    assert session.owner_key(path) is None
