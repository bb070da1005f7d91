"""Every scenario reaches its goals, with as few and with more nodes."""

import pytest

from sim.scenarios import SCENARIOS, run


@pytest.mark.parametrize(
    ("name", "nodes", "seed"),
    [("basics", 3, 1), ("basics", 25, 2), ("lossy", 5, 3), ("lossy", 12, 4), ("flood", 2, 5)],
)
def test_all_goals_are_reached(name, nodes, seed):
    ended = run(name, seed, nodes)
    assert [figure for figure in ended.figures if figure.ok is False] == []
    assert len(ended.world.nodes) == nodes
    assert sum(figure.ok is True for figure in ended.figures) >= 7


def test_every_scenario_is_tried_here():
    assert sorted(SCENARIOS) == ["basics", "flood", "lossy"]


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(SCENARIOS))
@pytest.mark.parametrize("seed", range(100, 120))
def test_all_goals_are_reached_for_many_seeds(name, seed):
    ended = run(name, seed)
    assert [figure for figure in ended.figures if figure.ok is False] == []
