"""The configuration file: what is wrong with it is named with its line, and the one that is made
says what holds."""

import tomllib
from pathlib import Path

import pytest

from dave.edge.limits import CONFIG_BYTES_MAX
from dave.edge.settings import SETTINGS, load
from dave.edge.settings_file import SECTIONS, TITLES, read, template
from dave.errors import UsageError


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "some.toml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[client]\n\ntiemout = 3", 3, "no setting client.tiemout: did you mean timeout?"),
        ("[client]\n'tiemout' = 3", 2, "did you mean timeout?"),
        ("[client]\nmax-work = 3", 2, "there are edge, key, timeout"),
        ("[node]\nblob-capacity = 3", 2, "did you mean blob_capacity?"),
        ("[client]\ncapacity = 3", 2, "did you mean node.capacity?"),
        ("# x\n[clinet]\n", 2, "no section [clinet]: did you mean [client]?"),
        ("[zzz]\n", 1, "there are client, network, node, log, tuning"),
        ("[client]\nquorum = 2\n[node.more]\nx = 1", None, "no setting node.more"),
        ("timeout = 3", 1, "timeout belongs below [client], as timeout"),
        ("client = 3", 1, "no section [client]"),
        ("client.tiemout = 3", 1, "did you mean timeout?"),
        ('[client]\ntimeout = "3"', 2, 'client.timeout: "3" is not a number of seconds'),
        ("[tuning]\nreplicas = 2", 2, "tuning.replicas: '2' is not a whole number from 3 to 20"),
        ("[node]\nx", None, "no TOML: "),
    ],
)
def test_what_is_wrong_is_named_with_its_line(file, text, line, words):
    path = file(text)
    with pytest.raises(UsageError) as caught:
        read(path)
    place = f"{path}: " if line is None else f"{path}:{line}: "
    assert str(caught.value).startswith(place)
    assert words in str(caught.value)


def test_a_folder_a_huge_file_and_what_is_no_text_are_refused(file, tmp_path):
    with pytest.raises(UsageError, match="Is a directory"):
        read(tmp_path)
    path = file("#" * (CONFIG_BYTES_MAX + 1))
    with pytest.raises(UsageError, match="is that the right file"):
        read(path)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        read(path)


def test_paths_are_relative_to_the_file(file, tmp_path):
    path = file('[client]\nkey = "keys/mine"\n[node]\ndata = "/var/lib/dave"\nkey = "~/node.key"\n')
    found = {name: value for name, (value, _) in read(path).items()}
    assert found == {
        "client.key": tmp_path / "keys" / "mine",
        "node.data": Path("/var/lib/dave"),
        "node.key": Path.home() / "node.key",
    }


def test_the_template_changes_nothing_as_it_is(file):
    path = file(template())
    assert read(path) == {}
    assert all(load(path, {})[name] == each.default for name, each in SETTINGS.items())


def test_each_line_of_the_template_can_be_taken_as_it_stands(file):
    """Take away every # before a setting: that is allowed, and the default where there is one."""
    lines = template().splitlines()
    bare = [line[1:] if line[:1] == "#" and line[1:2] != " " else line for line in lines]
    found = read(file("\n".join(bare)))
    assert list(found) == list(SETTINGS)
    for name, (value, _) in found.items():
        default = SETTINGS[name].default
        assert default is None or value == default
    assert max(map(len, lines)) <= 100
    assert all(setting.variable in template() for setting in SETTINGS.values())


def test_every_section_has_a_title():
    assert list(SECTIONS) == list(tomllib.loads(template()))
    assert set(SECTIONS) <= set(TITLES)
