"""The OpenAPI document: that it is one, that it says what is there, and that it is true."""

import faulthandler
import json
import re
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace

import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

import dave
from dave.edge.http import server
from dave.edge.http.openapi import document
from dave.edge.http.operations import Access
from tests.edge.http.serving import served
from tests.node.helpers import Stage
from tests.processes import PATIENCE_SECONDS

CONFIG = Path(__file__).with_name("schemathesis.toml")


@served()
async def test_it_is_an_openapi_document_of_all_that_is_there(site):
    status, headers, body = await site.answer("GET", "/v1/openapi.json")
    assert (status, headers["Content-Type"][:16]) == (200, "application/json")
    told = json.loads(body)
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(told)] == []
    assert told["openapi"].startswith("3.1.")
    assert told["info"]["version"] == dave.__version__
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(set(names)) == len(names)
    assert {"put_entries_owner_key", "get_entries_owner_key", "get_healthz"} <= set(names)
    assert told == json.loads((await site.answer("GET", "/v1/openapi.json"))[2])


@served()
async def test_every_operation_has_a_route_and_says_who_may_ask(site):
    told = json.loads((await site.answer("GET", "/v1/openapi.json"))[2])
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            where = re.sub(r"\{owner\}", "a" * 52, path).replace("{key}", "k")
            status, *_ = await site.answer(method.upper(), where)
            assert status != 405, (method, path)
            documented = operation["responses"]
            assert str(status) in documented, (method, path, status)
            needs_token = operation["security"] == [{"token": []}]
            assert (status == 401) is needs_token, (method, path)
            assert {"400", "401", "403", "421"} <= set(documented)


def test_who_may_write_shows_the_token():
    operations = [each for routes in server.ROUTES for each in routes(FakeService())]
    assert all(each.doc is not None for each in operations if each.path.startswith("/v1/"))
    for each in operations:
        assert (each.access is Access.TOKEN) == (each.method not in ("GET", "HEAD")), each.path
    assert document([])["paths"] == {}


def test_what_goes_wrong_is_told_as_a_problem():
    """An answer of that status would be hidden by what is said of every operation."""
    for routes in server.ROUTES:
        for each in routes(FakeService()):
            assert each.doc is None or all(status < 400 for status in each.doc.answers), each.path


class FakeService:
    """What modules ask for while they make their tables."""

    def __init__(self):
        self.on_start = []
        self.on_stop = []
        self.key = None
        self.node = SimpleNamespace(core=Stage().node, config=dave.Config())


def run_schemathesis(home, *options):
    """Run it against a node that signs; its output."""
    key = home.folder / "owner.key"
    owner = home.dave("keygen", "--out", key).out.strip()
    node = home.start("--http", "127.0.0.1:0", "--http-key", key, "--blob-capacity", "256M")
    url = node.process.stdout.readline().decode().split()[-1]
    token = (node.data / "http.token").read_text().strip()
    connection = HTTPConnection(url.split("/")[2], timeout=PATIENCE_SECONDS)
    bearer = {"Authorization": f"Bearer {token}"}
    connection.request("PUT", f"/v1/entries/{owner}/k", b"0123456789", bearer)
    assert connection.getresponse().status == 201
    connection.close()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run"),
            *(f"{url}v1/openapi.json", "--header", f"Authorization: Bearer {token}"),
            *("--checks", "all", "--no-color", "--warnings", "off", *options),
        ],
        cwd=home.folder, env=home.env(OWNER=owner), capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "Traceback" not in node.stderr
    assert node.stop() == 0
    return done.returncode, said


def test_schemathesis_finds_it_true(home):
    few = ("--phases", "coverage,fuzzing", "--max-examples", "5", "--seed", "1")
    code, said = run_schemathesis(home, *few)
    assert code == 0, said
    assert "No issues found" in said


@pytest.mark.soak
@pytest.mark.parametrize(
    "phases",
    [
        ("--phases", "examples,coverage,fuzzing"),
        # In a sequence schemathesis may call a request invalid of which it says that it is none.
        ("--phases", "stateful", "--exclude-checks", "negative_data_rejection"),
    ],
    ids=["each", "sequences"],
)
def test_schemathesis_finds_it_true_a_thousand_times(home, phases):
    faulthandler.cancel_dump_traceback_later()  # this may take many minutes
    code, said = run_schemathesis(home, "--max-examples", "1000", "--continue-on-failure", *phases)
    print(said)
    assert code == 0, said
