"""`dave keygen`: keys are made once, readable by their owner only, and never overwritten."""

import pytest

from dave.edge.keyfile import Key, load_network_secret


def test_the_key_is_where_put_looks_for_it(home, node):
    done = home.dave("keygen")
    path = home.folder / "config" / "dave" / "owner.key"
    assert (done.code, done.out) == (0, Key.load(path).name + "\n")
    assert "keep a copy" in done.err
    assert path.stat().st_mode & 0o777 == 0o600
    put = home.dave("put", "k", "v", "--ttl", "1h", "--edge", node.address)
    assert put.out == f"dave://{done.out.strip()}/k\n"


@pytest.mark.parametrize("options", [(), ("--network",)])
def test_nothing_is_overwritten(home, options):
    out = home.folder / "file"
    assert home.dave("keygen", *options, "--out", out).code == 0
    data = out.read_bytes()
    again = home.dave("keygen", *options, "--out", out)
    assert (again.code, again.out) == (2, "")
    assert "never overwritten" in again.err
    assert out.read_bytes() == data


def test_a_networks_secret(home):
    out = home.folder / "net.secret"
    done = home.dave("keygen", "--network", "--out", out)
    assert (done.code, done.out) == (0, f"{out}\n")
    assert len(load_network_secret(out)) == 32
    assert out.stat().st_mode & 0o777 == 0o600
    as_key = home.dave("put", "k", "v", "--key", out, "--edge", "127.0.0.1:9")
    assert as_key.code == 2
    assert str(out) in as_key.err


def test_a_passphrase(home):
    out = home.folder / "wrapped.key"
    nobody = home.dave("keygen", "--passphrase", "--out", out)
    assert nobody.code == 2
    assert "DAVE_PASSPHRASE" in nobody.err
    assert not out.exists()
    made = home.dave("keygen", "--passphrase", "--out", out, DAVE_PASSPHRASE="correct horse")
    assert made.code == 0
    assert Key.load(out, "correct horse").name == made.out.strip()
