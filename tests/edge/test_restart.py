"""Real processes: a node comes back from its own memory, with no edge alive to ask."""

from tests.processes import until


def addresses(node):
    return {peer["address"] for peer in node.ask("peers")["peers"]}


def test_a_restart_joins_from_stored_contacts_when_every_edge_is_gone(home):
    edge = home.start(data="edge")
    one = home.start("--edge", edge.address, data="one")
    two = home.start("--edge", edge.address, data="two")
    until(lambda: addresses(one) == {edge.address, two.address})
    until(lambda: addresses(two) == {edge.address, one.address})
    edge.kill()
    assert one.stop() == 0
    until(lambda: one.address not in addresses(two))
    back = home.start("--edge", edge.address, data="one")
    assert back.address != one.address, "nobody can find it by where it was"
    until(lambda: two.address in addresses(back) and back.address in addresses(two))
    uri = home.dave("put", "k", "v", "--ttl", "1h", "--edge", back.address).out.strip()
    assert home.dave("get", uri, "--edge", two.address).out == "v"


def test_after_a_kill_as_well_and_without_naming_an_edge(home):
    one = home.start(data="one")
    two = home.start("--edge", one.address, data="two")
    until(lambda: addresses(one) and addresses(two))
    count = "SELECT count(*) FROM contacts"
    until(lambda: _scalar(home.folder / "two" / "state.db", count))
    two.kill()
    back = home.start(data="two")
    until(lambda: addresses(back) == {one.address})


def test_a_node_with_a_ruined_database_runs_and_says_so(home):
    one = home.start(data="one")
    assert one.stop() == 0
    (home.folder / "one" / "state.db").write_bytes(b"not a database" * 1000)
    back = home.start(data="one")
    (note,) = back.status()["state_notes"]
    assert "set aside as" in note
    assert "set aside as" in back.stderr
    assert "set aside as" in home.dave("status", "--data", home.folder / "one").out


def _scalar(path, sql):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchone()[0]
