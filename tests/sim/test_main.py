"""`python -m sim`: what it prints, writes and returns."""

import json

import pytest

from sim import __main__ as command
from sim.figures import Run, exactly
from sim.world import World


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
    monkeypatch.setattr(command, "run", lambda *_: missed)
    assert command.main(["basics"]) == 1
    assert "MISSED" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [[], ["unheard"], ["basics", "--nodes", "2"]])
def test_wrong_usage_is_exit_code_2(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(wrong)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
