"""The table of settings, and which of file, environment and default holds."""

from pathlib import Path

import pytest

from dave import Config, Tuning
from dave.edge.logs import FORMS, LEVELS
from dave.edge.settings import NODE_FIELDS, OTHER_VARIABLES, SETTINGS, load, path_of
from dave.errors import UsageError


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "some.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def test_every_setting_has_a_variable_of_its_own():
    variables = [setting.variable for setting in SETTINGS.values()]
    assert len({*variables, *OTHER_VARIABLES}) == len(SETTINGS) + len(OTHER_VARIABLES)
    assert all(variable.startswith("DAVE_") for variable in variables)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_the_default_is_what_is_written_of_it(setting):
    """So neither --help nor the file made by --init lies."""
    import tomllib

    written = setting.kind.of_toml(tomllib.loads(f"it = {setting.written}")["it"])
    if setting.default is None:
        assert setting.unless
    else:
        assert written == setting.default
        assert type(written) is type(setting.default)


def test_the_defaults_are_those_of_the_api():
    config, by_default = Config.of(load("/dev/null", {}), b""), Config()
    assert config == by_default


def test_environment_goes_before_file_and_file_before_default(file):
    path = file('[client]\nttl = "1h"\nquorum = 3\n')
    settings = load(path, {"DAVE_TTL": "2h"})
    assert settings.chosen("client.ttl")[:3] == (7200, "environment", "DAVE_TTL")
    assert settings.chosen("client.quorum")[:3] == (3, "file", str(path))
    assert settings.chosen("client.timeout").origin == "default"
    settings.assign("client.ttl=3h")
    assert settings.chosen("client.ttl") == (10_800, "flag", "--set", "3h")


def test_which_file_is_read(file, tmp_path):
    path = file("[client]\nquorum = 3\n")
    assert load(None, {"DAVE_CONFIG": str(path)})["client.quorum"] == 3
    assert load(path, {"DAVE_CONFIG": "elsewhere"})["client.quorum"] == 3
    for named in (
        {"path": tmp_path / "no"},
        {"environment": {"DAVE_CONFIG": str(tmp_path / "no")}},
    ):
        with pytest.raises(UsageError, match=r"no: there is no such file; `dave config --init`"):
            load(**{"environment": {}, **named})


def test_the_users_file_need_not_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert not load(None, {}).has_file
    path = path_of(None, {})
    assert path == tmp_path / "dave" / "config.toml"
    path.parent.mkdir()
    path.write_text("[client]\nquorum = 4\n", "utf-8")
    assert load(None, {})["client.quorum"] == 4


def test_an_empty_variable_is_none():
    assert load("/dev/null", {"DAVE_QUORUM": ""})["client.quorum"] == 2


def test_a_variable_that_cannot_be_is_named():
    with pytest.raises(UsageError, match=r"^DAVE_QUORUM: 'x' is no number from 1 on$"):
        load("/dev/null", {"DAVE_QUORUM": "x"})


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("DAVE_EGDE", "DAVE_EDGE"),
        ("DAVE_TIMEOUTS", "DAVE_TIMEOUT"),
        ("DAVE_CLIENT_TTL", "DAVE_TTL"),
        ("DAVE_TUNING_PARALLEL", "DAVE_PARALLEL"),
        ("DAVE_REPLICA", "DAVE_REPLICAS"),
    ],
)
def test_what_looks_like_a_mistake_is_warned_of(variable, meant):
    assert load("/dev/null", {variable: "1"}).warnings == [
        f"{variable} means nothing: did you mean {meant}?"
    ]


@pytest.mark.parametrize(
    "variable", [*OTHER_VARIABLES, "DAVE_PORT", "DAVE_SERVICE_HOST", "DAVE_PORT_1424_UDP", "DAVES"]
)
def test_what_others_set_is_left_alone(variable):
    """Container runtimes set variables named after a service."""
    environment = {variable: "/dev/null"}
    assert load("/dev/null", environment).warnings == []


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("client.ttl", "NAME=VALUE"),
        ("client.tll=1h", "did you mean client.ttl?"),
        ("zzz=1", "`dave config` lists all"),
        ("client.ttl=soon", "--set: client.ttl: 'soon' is no lifetime"),
    ],
)
def test_what_cannot_be_assigned(assignment, words):
    with pytest.raises(UsageError) as caught:
        load("/dev/null", {}).assign(assignment)
    assert words in str(caught.value)


def test_a_node_of_ones_own_program_reads_the_same_settings(file, monkeypatch, tmp_path):
    path = file(
        '[node]\nlisten = "127.0.0.1:0"\ndata = "data"\nedge = ["a:1"]\ncapacity = "2M"\n'
        'half_life = "1d"\n[network]\nname = "mine"\nsecret_file = "net.secret"\n'
        "[tuning]\nreplicas = 3\n"
    )
    from dave.edge.keyfile import make_network_secret, save_network_secret

    secret = make_network_secret()
    save_network_secret(tmp_path / "net.secret", secret)
    monkeypatch.setenv("DAVE_PARALLEL", "5")
    assert Config.load(path) == Config(
        listen="127.0.0.1:0", data=tmp_path / "data", edges=["a:1"], capacity=2 << 20,
        half_life_days=1.0, network="mine", secret=secret,
        tuning=Tuning(replicas=3, parallel=5),
    )  # fmt: skip


def test_every_field_of_a_node_is_a_setting():
    apart = {"edges", "secret", "tuning"}
    assert set(NODE_FIELDS) | apart == set(Config._fields)
    assert set(NODE_FIELDS.values()) <= set(SETTINGS)
    of_node = {name for name in SETTINGS if name.startswith(("node.", "network."))}
    assert of_node - set(NODE_FIELDS.values()) == {"node.edge", "network.secret_file"}


def test_all_of_the_tuning_is_settings():
    assert [f"tuning.{name}" for name in Tuning._fields] == [
        name for name in SETTINGS if name.startswith("tuning.")
    ]
    assert isinstance(path_of("x", {}), Path)


def test_log_levels_and_forms_are_those_that_there_are():
    assert SETTINGS["log.level"].kind.choices == LEVELS
    assert SETTINGS["log.format"].kind.choices == FORMS
