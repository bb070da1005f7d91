"""The pytest plugin, in processes of its own: a user's suite passes and fails as it should, with
whatever else runs there, and the plugin costs nothing to who does not use it."""

import os
import re
import sys
import tomllib

import pytest

from tests.processes import ROOT

pytest_plugins = ["pytester"]

USERS_SUITE = """
import asyncio
import pytest
import dave


@pytest.fixture
def net(dave_network):
    return dave_network(nodes=3, seed=2)


async def renew(d):
    while True:
        await d.put("here", "192.0.2.7", ttl=60)
        await asyncio.sleep(45)


async def test_a_coroutine_runs_in_virtual_time(dave_network):
    net = dave_network(nodes=3)
    async with net.connect(key=net.key()) as d:
        task = asyncio.create_task(renew(d))
        await asyncio.sleep(600)
        assert (await d.get("here")).expires > net.now
        task.cancel()
        await asyncio.sleep(61)
        assert await d.get("here") is None


async def test_through_a_fixture_of_ones_own(net, tmp_path):
    async with net.connect(key=net.key()) as d:
        await d.put("k", "v")
    assert len(net.nodes[0].entries) == 1


class TestOfAClass:
    async def test_a_method(self, net):
        async with net.connect(key=net.key()) as d:
            assert (await (await d.put("k", "v")).settled()).stored == 3


@pytest.mark.parametrize("size", [1, 2])
def test_blocking(net, size):
    with net.connect_sync(key=net.key()) as d:
        d.put("k", "v" * size)
        net.crash(net.nodes[1])
        assert len(d.get("k").value) == size


async def test_that_fails(dave_network):
    async with dave_network(nodes=1).connect() as d:
        assert await d.get("k", owner=bytes(32)) is not None


def test_the_trace(net):
    with net.connect_sync(key=net.key()) as d:
        d.put_many({str(n): "v" for n in range(5)})
    print("trace", net.trace_hash())
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    """A user's folder, where the plugin is installed as pyproject.toml says."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    lines = [f"{name} = {module}" for name, module in points["pytest11"].items()]
    info = pytester.mkdir("installed") / "dave_kv-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dave-kv\nVersion: 0\n", "utf-8")
    (info / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]), "utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(info.parent), str(ROOT)]))
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    pytester.makepyfile(USERS_SUITE)
    return pytester


def run(suite, *args):
    """Run it without the plugins that only we have installed."""
    return suite.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:hypothesispytest", *args)


def trace_of(result):
    return re.findall(r"trace ([0-9a-f]{64})", result.stdout.str())


def test_a_users_suite(suite, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    result = run(suite, "-s")
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(["*test_that_fails*"])
    monkeypatch.setenv("PYTHONHASHSEED", "22")
    again = run(suite, "-s", "-k", "test_the_trace")
    assert trace_of(result) == trace_of(again) != []


def test_a_users_suite_in_parallel(suite):
    run(suite, "-n", "2").assert_outcomes(passed=6, failed=1)


def test_without_the_plugin(suite):
    suite.makepyfile(test_other="def test_nothing():\n    pass\n")
    result = run(suite, "-p", "no:dave")
    result.assert_outcomes(passed=1, errors=7)
    result.stdout.fnmatch_lines(["*fixture 'dave_network' not found*"])


def test_the_fixture_is_listed(suite):
    result = run(suite, "--fixtures")
    result.stdout.fnmatch_lines(["dave_network*", "*under virtual time*"])


def test_coroutines_that_do_not_take_the_fixture_are_left_to_others(suite):
    suite.makepyfile(test_other="async def test_mine():\n    pass\n")
    result = run(suite, "test_other.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


LOADED = """
import sys
import dave.testing.plugin
dave_modules = sorted(name for name in sys.modules if name.startswith("dave"))
assert dave_modules == ["dave", "dave.testing", "dave.testing.plugin"], dave_modules
"""


def test_loading_it_loads_nothing_else(pytester):
    assert pytester.run(sys.executable, "-c", LOADED).ret == 0
