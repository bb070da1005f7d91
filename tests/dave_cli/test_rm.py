"""`dave rm`: what it retracts, and what it cannot."""


def test_a_key_is_gone_and_can_be_put_again(home, node):
    edge = ("--edge", node.address)
    uri = home.dave("put", "k", "one", "--ttl", "1h", *edge).out.strip()
    done = home.dave("rm", "k", *edge)
    assert (done.code, done.out) == (0, uri + "\n")
    assert "stored by 1 of 1" in done.err
    gone = home.dave("get", "k", *edge)
    assert (gone.code, gone.out) == (1, "")
    assert home.dave("put", "k", "two", "--ttl", "1h", *edge).code == 0
    assert home.dave("get", uri, *edge).out == "two"
    assert home.dave("rm", uri, "--json", *edge).json["stored"] == 1


def test_without_a_key_there_is_nothing_to_delete(home, node):
    done = home.dave("rm", "k", "--edge", node.address)
    assert (done.code, done.out) == (2, "")
    assert "no key yet" in done.err
    assert not (home.folder / "config").exists()


def test_what_is_anothers(home, node):
    home.dave("keygen")
    other = home.dave("keygen", "--out", home.folder / "other.key").out.strip()
    done = home.dave("rm", f"dave://{other}/k", "--edge", node.address)
    assert done.code == 2
    assert "only the owner" in done.err


def test_nobody_there(home):
    home.dave("keygen")
    done = home.dave("rm", "k", "--edge", "127.0.0.1:9", "--timeout", "0.5")
    assert done.code == 3
