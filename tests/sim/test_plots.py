"""Plots show what the runs measured."""

import json
import struct

import pytest

from sim import plots
from sim.plots import PLOTS, draw, merged

RUN = {
    "scenario": "hops",
    "seed": 3,
    "nodes": 1000,
    "series": {"measured": [[100, 1.5], [1000, 2.5]]},
}
OTHER = {
    "scenario": "hops",
    "seed": 4,
    "nodes": 1000,
    "series": {"measured": [[100, 2.5], [1000, 2.5]]},
}


def test_runs_are_merged_by_series_and_x():
    assert merged([RUN, OTHER]) == {"measured": [(100, 2.0, 1.5, 2.5), (1000, 2.5, 2.5, 2.5)]}


@pytest.mark.parametrize("scenario", sorted(PLOTS))
def test_every_plot_can_be_drawn(scenario, tmp_path):
    path = tmp_path / "out.png"
    series = {"a": [[0.1, 0.5], [0.4, 0.9]], "goal: b": [[0.1, 0.6], [0.4, 0.6]]}
    draw([{"scenario": scenario, "seed": 1, "nodes": 9, "series": series}], path, is_full=True)
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1200, 675)


def test_a_plot_says_what_made_it(tmp_path):
    path = tmp_path / "out.svg"
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        draw([RUN, OTHER], path, is_full=True)
    text = path.read_text("utf-8")
    assert "python -m sim hops --seed 3 --seeds 2 --full    1,000 nodes" in text
    assert "Steps of a lookup" in text


@pytest.mark.parametrize(
    "reports",
    [
        [RUN, {**OTHER, "scenario": "churn"}],
        [{"scenario": "basics", "seed": 1}],
        [{"scenario": "hops", "seed": 1}],
    ],
)
def test_what_cannot_be_drawn_is_refused(reports, tmp_path, capsys):
    with pytest.raises(ValueError, match=r"scenario|points"):
        draw(reports, tmp_path / "out.png")
    run = tmp_path / "run.json"
    run.write_text(json.dumps(reports), "utf-8")
    with pytest.raises(SystemExit) as ended:
        plots.main([str(run), str(tmp_path / "out.png")])
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_command_draws_a_written_run(tmp_path):
    run, path = tmp_path / "run.json", tmp_path / "out.png"
    run.write_text(json.dumps(RUN), "utf-8")
    assert plots.main([str(run), str(path)]) == 0
    assert path.stat().st_size > 10_000
