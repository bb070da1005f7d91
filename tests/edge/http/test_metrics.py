"""GET /metrics, as Prometheus reads it."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from dave.edge.http import metrics
from dave.edge.metrics import METRICS, PROCESS
from tests.edge.http.serving import served, site
from tests.processes import PATIENCE_SECONDS
from tests.programs import needs

ROOT = Path(__file__).parents[3]
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def promtool(*args, stdin=""):
    command = [needs("promtool", "prometheus"), *args]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60,
                          check=False)  # fmt: skip


async def text(site, **how):
    status, headers, body = await site.answer("GET", "/metrics", **how)
    assert status == 200
    return headers["Content-Type"], body.decode()


@served()
async def test_promtool_finds_nothing_to_say(site):
    _, body = await text(site)
    done = promtool("check", "metrics", stdin=body)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@served(capacity=1 << 20)
async def test_both_formats_tell_all_of_the_table_and_nothing_else(site):
    content_type, body = await text(site)
    assert content_type.startswith("text/plain; version=0.0.4")
    plain = {family.name: family for family in read_text(body)}
    content_type, body = await text(site, headers=OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    families = {family.name: family for family in read_openmetrics(body)}
    expected = {name.removesuffix("_total").removesuffix("_info") for name, *_ in METRICS}
    expected |= {name.removesuffix("_total") for name, *_ in PROCESS}
    assert expected - families.keys() <= {"dave_clock_ahead_seconds"}, "it knows no other node"
    assert families.keys() <= expected
    assert {name.removesuffix("_info") for name in plain} == families.keys()
    assert {f.name: f.documentation for f in families.values() if f.name.startswith("dave_")} == {
        m.name.removesuffix("_total").removesuffix("_info"): m.text
        for m in METRICS
        if m.name != "dave_clock_ahead_seconds"
    }


@served()
async def test_a_histogram_adds_up(site):
    site.node.core.puts.put_time.note(3_000_000)
    site.node.core.puts.put_time.note(10**12)
    _, body = await text(site)
    [family] = [f for f in read_text(body) if f.name == "dave_put_seconds"]
    found = {(s.name, s.labels.get("le")): s.value for s in family.samples}
    assert found["dave_put_seconds_bucket", "0.0025"] == 0
    assert found["dave_put_seconds_bucket", "0.005"] == 1
    assert found["dave_put_seconds_bucket", "10.0"] == 1
    assert found["dave_put_seconds_bucket", "+Inf"] == 2
    assert found["dave_put_seconds_count", None] == 2
    assert found["dave_put_seconds_sum", None] == pytest.approx(1000.003)


@served()
async def test_nobody_is_asked_for_a_token_and_no_secret_is_told(site):
    _, body = await text(site)
    assert site.token not in body
    assert site.node.core.identity.private_key.private_bytes_raw().hex() not in body


def test_the_example_for_prometheus_is_valid():
    folder = ROOT / "packaging" / "prometheus"
    done = promtool("check", "config", str(folder / "prometheus.yml"))
    assert done.returncode == 0, done.stderr
    rules = promtool("check", "rules", str(folder / "dave.rules.yml"))
    assert "3 rules found" in rules.stdout


def test_the_alerts_name_metrics_that_there_are():
    rules = (ROOT / "packaging" / "prometheus" / "dave.rules.yml").read_text("utf-8")
    names = {metric.name for metric in METRICS}
    told = {name.removesuffix("_bucket") for name in re.findall(r"\bdave_\w+", rules)}
    assert len(told) >= 3
    assert told <= names


@served()
async def test_what_a_stranger_accepts_breaks_nothing(site):
    for version in ("a.b", "9.\xff", "1" * 3000, "1.0.7", ";;"):
        for form in ("text/plain", "application/openmetrics-text"):
            accept = {"Accept": f"{form}; version={version}; escaping={version}"}
            content_type, _ = await text(site, headers=accept)
            assert version not in content_type


def test_who_shows_no_token_costs_one_look_a_second(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics, "HTTP_METRICS_SECONDS", 60.0)

    async def story():
        async with site(tmp_path) as at:
            before = await text(at)
            at.node.core.puts.put_time.note(1)
            assert await text(at) == before
            assert "dave_put_seconds_count 1.0" in (await text(at, token=True))[1]
            assert "dave_put_seconds_count 1.0" in (await text(at))[1]

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))
