"""The unit for systemd, and the files for Docker: sound by the linters of their makers, and every
`dave` in them is one that the real parsers take."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dave_cli.main import make_parser
from tests.processes import ROOT
from tests.programs import needs

UNIT = ROOT / "packaging" / "systemd" / "dave.service"
DOCKERFILE = ROOT / "packaging" / "docker" / "Dockerfile"
COMPOSE = ROOT / "packaging" / "docker" / "compose.yaml"

HADOLINT = Path(sys.executable).with_name("hadolint")

EXPOSURE_MAX = 2.0
"""By `systemd-analyze security`, from 0 (nothing) to 10 (everything)."""

JSON_FORM = re.compile(r"^\s*(ENTRYPOINT|CMD|HEALTHCHECK.*? CMD) (\[.*\])$", re.MULTILINE)
"""A command in a Dockerfile, as an array of words."""


def parse(words):
    """What the command's own parser makes of the words after `dave`; usage errors end the test."""
    return make_parser(words[0]).parse_intermixed_args(words[1:])


def dave_lines(text):
    """The commands in comments and code that start with `dave`, without their ends."""
    found = re.findall(r"(?:^#\s+|`|=)(dave (?!-)[^`\n&]*)", text, re.MULTILINE)
    return [shlex.split(line.replace("$OPTIONS", ""))[1:] for line in found]


@pytest.mark.parametrize("path", [UNIT, COMPOSE], ids=lambda path: path.name)
def test_every_command_that_is_shown_parses(path):
    lines = dave_lines(path.read_text("utf-8"))
    assert lines
    for words in lines:
        parse(words)


def test_the_options_shown_for_the_unit_parse():
    (shown,) = re.findall(r"OPTIONS=(.*)", UNIT.read_text("utf-8"))
    assert parse(["run", *shlex.split(shown)]).capacity == 2 << 30


def test_systemd_takes_the_unit(tmp_path):
    text = UNIT.read_text("utf-8")
    assert "ExecStart=dave " in text
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("ExecStart=dave ", f"ExecStart={sys.executable} "), "utf-8")
    done = subprocess.run(
        [needs("systemd-analyze", "systemd"), "verify", "--man=no", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_may_do_little():
    done = subprocess.run(
        [needs("systemd-analyze", "systemd"), "security", "--offline=true", "--no-pager",
         f"--threshold={EXPOSURE_MAX * 10:.0f}", UNIT],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_hadolint_finds_nothing():
    done = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_yamllint_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "yamllint", "--strict", COMPOSE],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_a_node_and_looks_after_it():
    text = DOCKERFILE.read_text("utf-8").replace("\\\n", " ")
    arrays = {name: yaml.safe_load(array) for name, array in JSON_FORM.findall(text)}
    assert arrays.pop("ENTRYPOINT") == ["dave"]
    node = parse(arrays.pop("CMD"))
    ((_, check),) = arrays.items()
    assert check[0] == "dave"
    assert parse(check[1:]).data == node.data
    assert "\nUSER 1424" in text
    for source in re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE):
        assert (ROOT / source).exists()


def test_what_docker_is_not_given_is_not_needed():
    """All that the wheel is made of is let through .dockerignore, which begins with everything."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert lines[1] == "*"
    let_in = [line[1:] for line in lines if line.startswith("!")]
    assert {"cmd", "dave", "pyproject.toml", "setup.py", "README.md", "LICENSE"} == set(let_in)
    assert all((ROOT / name).exists() for name in let_in)


def test_five_nodes_that_know_the_first():
    compose = yaml.safe_load(COMPOSE.read_text("utf-8"))
    services = compose["services"]
    assert sorted(services) == [f"node{n}" for n in range(1, 6)]
    for name, service in services.items():
        args = parse(shlex.split(service["command"]))
        assert (args.edge or []) == ([] if name == "node1" else ["node1:1424"])
        assert str(args.secret_file) == f"/run/secrets/{service['secrets'][0]}"
        assert service["volumes"] == [f"{name}:/data"]
        assert name in compose["volumes"]
        assert service["read_only"]
    assert set(compose["secrets"]) == {"network"}
