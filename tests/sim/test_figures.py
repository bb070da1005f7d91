"""Figures know whether they reached their goals, and a report is what the design says."""

import json

from dave.testing.world import World
from sim.figures import Figure, Run, at_least, at_most, exactly


def test_goals():
    figures = [at_least("a", 2, 2), at_least("a", 1, 2), at_most("b", 2, 2), at_most("b", 3, 2)]
    figures += [exactly("c", 0, 0), exactly("c", 1, 0), Figure("d", 5)]
    assert [figure.ok for figure in figures] == [True, False, True, False, True, False, None]
    assert [figure.goal for figure in figures[::2]] == [">= 2", "<= 2", "= 0", None]


def test_the_report():
    world = World(9)
    world.add_node()
    run = Run("basics", world, [exactly("a", 1, 1), Figure("b", 2.5)])
    assert run.ok
    assert not run._replace(figures=[exactly("a", 0, 1)]).ok
    assert json.loads(json.dumps(run.report())) == {
        "scenario": "basics",
        "seed": 9,
        "nodes": 1,
        "figures": [
            {"name": "a", "value": 1, "goal": "= 1", "ok": True},
            {"name": "b", "value": 2.5, "goal": None, "ok": None},
        ],
        "trace_hash": world.trace_hash(),
    }
