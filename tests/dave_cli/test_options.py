"""What the shared options mean, and which edge a client takes."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from dave_cli import options


def parsed(*args):
    parser = ArgumentParser()
    options.add_client(parser)
    options.add(parser, "client.key")
    return options.resolve(parser.parse_args(args))


def test_where_a_client_looks_for_a_node(home, node, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(home.folder / "data"))
    monkeypatch.delenv("DAVE_EDGE", raising=False)
    assert options.edges(parsed()) == ["127.0.0.1:1424"]
    data = home.folder / "data" / "dave"
    data.mkdir(parents=True)
    (data / "control.sock").symlink_to(node.data / "control.sock")
    assert options.edges(parsed()) == [node.address]
    (data / "control.sock").unlink()
    (data / "control.sock").touch()  # a dead node's
    assert options.edges(parsed()) == ["127.0.0.1:1424"]
    monkeypatch.setenv("DAVE_EDGE", "192.0.2.1 192.0.2.2:9")
    assert options.edges(parsed()) == ["192.0.2.1", "192.0.2.2:9"]
    assert options.edges(parsed("--edge", "a:1", "--edge", "b:2")) == ["a:1", "b:2"]


def test_a_flag_goes_before_the_environment_and_that_before_the_file(tmp_path, monkeypatch):
    file = tmp_path / "file.toml"
    file.write_text('[client]\nedge = "file:1"\ntimeout = 9\n[node]\ndata = "here"\n', "utf-8")
    monkeypatch.setenv("DAVE_CONFIG", str(file))
    found = parsed()
    assert (found.edge, found.timeout, found.data) == (["file:1"], 9.0, tmp_path / "here")
    monkeypatch.setenv("DAVE_TIMEOUT", "8")
    assert parsed().timeout == 8
    assert parsed("--set", "client.timeout=7").timeout == 7
    assert parsed("--set", "client.timeout=7", "--timeout", "6").timeout == 6
    assert parsed("--timeout", "6").chosen.chosen("client.timeout")[:3] == (6, "flag", "--timeout")


def test_what_looks_like_a_mistake_in_the_environment_is_told(monkeypatch, capsys):
    monkeypatch.setenv("DAVE_EGDE", "a:1")
    parsed()
    assert "DAVE_EGDE means nothing: did you mean DAVE_EDGE?" in capsys.readouterr().err


def test_a_node_of_ones_own_is_found_without_an_edge(home):
    home.start(data="data/dave")
    assert home.dave("put", "k", "v", "--ttl", "1h").code == 0
    assert home.dave("get", "k").out == "v"
    assert home.dave("status").code == 0


def test_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    assert options.data_folder(Namespace()) == tmp_path / "d" / "dave"
    assert options.data_folder(Namespace(data=Path("x"))) == Path("x")


def test_owners_key(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert options.owner_key(parsed()) is None
    made = options.owner_key(parsed(), make=True)
    assert "keep a copy" in capsys.readouterr().err
    assert (tmp_path / "dave" / "owner.key").stat().st_mode & 0o777 == 0o600
    assert options.owner_key(parsed(), make=True) == made
    assert capsys.readouterr().err == ""
    assert options.owner_key(parsed("--key", str(tmp_path / "dave" / "owner.key"))) == made


def test_a_wrapped_key_asks_for_its_passphrase(home, node):
    home.dave("keygen", "--passphrase", DAVE_PASSPHRASE="correct")
    put = ("put", "k", "v", "--ttl", "1h", "--edge", node.address)
    assert home.dave(*put, DAVE_PASSPHRASE="correct").code == 0
    wrong = home.dave(*put, DAVE_PASSPHRASE="wrong")
    assert wrong.code == 2
    assert "passphrase" in wrong.err
    nobody = home.dave(*put)
    assert nobody.code == 2
    assert "set DAVE_PASSPHRASE" in nobody.err
