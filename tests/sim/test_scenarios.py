"""Every scenario reaches its goals, with as few and with more nodes."""

import pytest

from sim.scenarios import SCENARIOS, partition, repair, run


@pytest.mark.parametrize(
    ("name", "nodes", "seed"),
    [("basics", 3, 1), ("basics", 25, 2), ("lossy", 5, 3), ("lossy", 12, 4), ("flood", 2, 5)],
)
def test_all_goals_are_reached(name, nodes, seed):
    ended = run(name, seed, nodes)
    assert [figure for figure in ended.figures if figure.ok is False] == []
    assert len(ended.world.nodes) == nodes
    assert sum(figure.ok is True for figure in ended.figures) >= 7


@pytest.mark.parametrize(("scenario", "nodes", "seed"), [(repair, 30, 6), (partition, 12, 7)])
def test_the_goals_of_what_takes_long_are_reached_by_few_nodes(scenario, nodes, seed):
    _, figures = scenario.run(seed, nodes, entries=30)
    assert [figure for figure in figures if figure.ok is False] == []


def test_every_scenario_is_tried_here():
    assert sorted(SCENARIOS) == ["basics", "flood", "lossy", "partition", "repair"]


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(SCENARIOS))
@pytest.mark.parametrize("seed", range(100, 120))
def test_all_goals_are_reached_for_many_seeds(name, seed):
    ended = run(name, seed)
    assert [figure for figure in ended.figures if figure.ok is False] == []
