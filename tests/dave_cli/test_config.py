"""`dave config`: what holds, where it came from, and a file to begin with."""

from dave.edge.settings import SETTINGS


def test_every_setting_is_shown_with_its_origin(home):
    file = home.folder / "config" / "dave" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[client]\nttl = "1h"\nquorum = 3\n', "utf-8")
    done = home.dave("config", "--set", "tuning.replicas=5", DAVE_TTL="2h")
    assert done.code == 0
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.out.splitlines()}
    assert rows.pop("file:") == [str(file)]
    assert set(rows) == set(SETTINGS)
    assert rows["client.ttl"] == ["DAVE_TTL", "2h"]
    assert rows["client.quorum"] == ["file", "3"]
    assert rows["tuning.replicas"] == ["--set", "5"]
    assert rows["node.capacity"] == ["default", "1G"]
    found = home.dave("config", "--json").json
    assert found["file"] == str(file)
    assert found["settings"]["client.ttl"] == {
        "value": 3600, "origin": "file", "where": str(file),
    }  # fmt: skip
    assert set(found["settings"]) == set(SETTINGS)


def test_a_file_is_made_once(home):
    made = home.dave("config", "--init")
    path = home.folder / "config" / "dave" / "config.toml"
    assert (made.code, made.out) == (0, f"{path}\n")
    assert home.dave("config", "path").out == made.out
    path.write_text("[client]\nquorum = 3\n", "utf-8")
    again = home.dave("config", "--init")
    assert again.code == 2
    assert "exists and is left as it is" in again.err
    assert path.read_text("utf-8") == "[client]\nquorum = 3\n"
    assert home.dave("config", "--init", "--config", home.folder / "new" / "x.toml").code == 0
    assert (home.folder / "new" / "x.toml").is_file()
    assert home.dave("config", "--config", home.folder / "no.toml").code == 2


def test_a_mistake_stops_every_command_that_reads_settings_but_not_help(home):
    file = home.folder / "config" / "dave" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[client]\ntiemout = 3\n", "utf-8")
    for command in (["get", "k"], ["status"], ["config"], ["run"]):
        done = home.dave(*command)
        assert (done.code, done.err) == (
            2, f"dave: {file}:2: there is no setting client.tiemout: did you mean timeout?\n",
        )  # fmt: skip
    assert home.dave("config", "path").out == f"{file}\n"
    assert home.dave("get", "--help").code == 0
    assert home.dave("decode", "--help").code == 0


def test_numbers_that_do_not_go_together_are_refused(home):
    done = home.dave("config", "--set", "tuning.retry_ms=2000")
    assert done.code == 2
    assert "retry_ms (2000) is at most retry_ms_max (1000)" in done.err


def test_a_node_and_its_clients_run_by_a_file_alone(home):
    """The network, its secret, the node's folder and R, all from one file."""
    folder = home.folder / "config" / "dave"
    secret = folder / "net.secret"
    assert home.dave("keygen", "--network", "--out", secret).code == 0
    (folder / "config.toml").write_text(
        f'[network]\nname = "mine"\nsecret_file = "net.secret"\n'
        f'[node]\ndata = "{home.folder}/node"\n[tuning]\nreplicas = 3\n[client]\nttl = "1h"\n',
        "utf-8",
    )  # fmt: skip
    node = home.start()
    assert node.status()["network"] == "mine"
    put = home.dave("put", "k", "v", "--json").json
    assert put["stored"] == 1
    left = home.dave("ls", "--json").json["seconds_left"]
    assert 3000 < left <= 3600
    assert home.dave("get", "k").out == "v"
    outside = home.dave("get", "k", "--network", "other", "--timeout", "2")
    assert outside.code == 3
