"""Every scenario runs to its end, and reaches its goals with as few and with more nodes."""

import pytest

from sim.scenarios import FULL, NAMES, SCENARIOS, partition, repair, run

SMALL = [
    ("basics", 3, 1),
    ("basics", 25, 2),
    ("lossy", 5, 3),
    ("lossy", 12, 4),
    ("flood", 2, 5),
    ("hops", 150, 6),
    ("sybils", 40, 7),
    ("eclipse", 20, 8),
    ("churn", 12, 9),
    ("nat", 16, 10),
    ("idle", 40, 11),
    ("speed", 40, 12),
    ("memory", 40, 13),
    ("mixed", 6, 14),
    ("seeds", 5, 15),
    ("colluders", 300, 16),
    ("watch", 10, 17),
    ("blobs", 12, 21),
    ("sync", 10, 19),
    ("races", 10, 20),
    ("partition-writes", 12, 18),
]

MACHINE = {"speed": "virtual seconds", "memory": "GB"}
"""Figures that depend on the machine, which is no matter of a test."""


def missed(name, ended):
    """Goals missed that should have been reached."""
    names = [figure.name for figure in ended.figures if figure.ok is False]
    return [figure for figure in names if name not in MACHINE or MACHINE[name] not in figure]


@pytest.mark.parametrize(("name", "nodes", "seed"), SMALL)
def test_all_goals_are_reached(name, nodes, seed):
    ended = run(name, seed, nodes)
    assert missed(name, ended) == []
    assert ended.scenario == name
    assert len(ended.figures) >= 3


@pytest.mark.parametrize(("scenario", "nodes", "seed"), [(repair, 30, 6), (partition, 12, 7)])
def test_the_goals_of_what_takes_long_are_reached_by_few_nodes(scenario, nodes, seed):
    _, figures = scenario.run(seed, nodes, entries=30)
    assert [figure for figure in figures if figure.ok is False] == []


def test_every_scenario_is_tried_here():
    tried = {name for name, _, _ in SMALL} | {"repair", "partition", "cheats"}
    assert tried == set(SCENARIOS)
    assert set(NAMES) == set(SCENARIOS) | set(FULL)


def test_full_runs_take_the_full_size(monkeypatch):
    taken = []

    def scenario(seed, nodes):
        taken.append(nodes)
        return run("memory", seed, 3).world, []

    monkeypatch.setitem(FULL, "memory", (scenario, 77))
    monkeypatch.setitem(FULL, "large", (scenario, 99))
    run("memory", 1, full=True)
    run("memory", 1, 5, full=True)
    run("large", 1)
    assert taken == [77, 5, 99]


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(SCENARIOS))
@pytest.mark.parametrize("seed", range(100, 110))
def test_all_goals_are_reached_for_many_seeds(name, seed):
    ended = run(name, seed)
    assert missed(name, ended) == []
