"""`python -m sim`: what it prints, writes and returns."""

import json

import pytest

from dave.testing.world import World
from sim import __main__ as command
from sim.figures import Run, exactly
from sim.scenarios import NAMES


def test_the_seed_comes_first_and_the_report_is_written(capsys, tmp_path):
    path = tmp_path / "out.json"
    code = command.main(["basics", "--nodes", "3", "--seed", "7", "--json", str(path)])
    lines = capsys.readouterr().out.splitlines()
    report = json.loads(path.read_text("utf-8"))
    assert code == 0
    assert lines[0] == "scenario basics, seed 7"
    assert lines[-1] == f"trace {report['trace_hash']}"
    assert (report["scenario"], report["seed"], report["nodes"]) == ("basics", 7, 3)
    assert len(lines) == len(report["figures"]) + 2


def test_a_missed_goal_is_exit_code_1(capsys, monkeypatch):
    missed = Run("basics", World(1), [exactly("lost", 1, 0)])
    monkeypatch.setattr(command, "run", lambda *_, **__: missed)
    assert command.main(["basics"]) == 1
    assert "MISSED" in capsys.readouterr().out


def test_several_seeds_and_all_scenarios(capsys, monkeypatch, tmp_path):
    seen = []

    def fake(name, seed, nodes, *, full):
        seen.append((name, seed, nodes, full))
        return Run(name, World(seed), [exactly("lost", 0, 0)])

    monkeypatch.setattr(command, "run", fake)
    path = tmp_path / "out.json"
    assert command.main(["nat", "--seed", "5", "--seeds", "3", "--json", str(path)]) == 0
    assert seen == [("nat", seed, None, False) for seed in (5, 6, 7)]
    assert [report["seed"] for report in json.loads(path.read_text("utf-8"))] == [5, 6, 7]
    seen.clear()
    command.main(["all", "--seed", "1", "--full"])
    assert {name for name, *_ in seen} == set(NAMES)
    assert all(full for *_, full in seen)
    assert "scenario churn-large, seed 1" in capsys.readouterr().out


def test_a_figure_is_drawn(tmp_path, capsys):
    path = tmp_path / "hops.png"
    command.main(["hops", "--nodes", "20", "--seed", "1", "--figure", str(path)])
    assert path.read_bytes()[1:4] == b"PNG"


WRONG = [
    [],
    ["unheard"],
    ["basics", "--nodes", "2"],
    ["basics", "--seeds", "0"],
    ["basics", "--figure", "x.png"],
    ["all", "--figure", "x.png"],
]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_usage_is_exit_code_2(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(wrong)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
