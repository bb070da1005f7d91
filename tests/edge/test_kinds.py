"""How values of settings are written, and what is refused in which words."""

from pathlib import Path

import pytest

from dave.edge import kinds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5m", 90),
        ("12h", 43_200),
        ("30D", 2_592_000),
        ("1y", 31_536_000),
    ],
)
def test_lifetimes(text, seconds):
    assert kinds.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "soon", "1x", "inf", "nan", "1 d d"])
def test_lifetimes_that_are_none(text):
    with pytest.raises(ValueError, match="such as 30d"):
        kinds.duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1048576", 1 << 20), ("500M", 500 << 20), ("2g", 2 << 30), ("1.5K", 1536), ("1GiB", 1 << 30)],
)
def test_sizes(text, size):
    assert kinds.size(text) == size


@pytest.mark.parametrize("text", ["", "M", "many", "nan", "inf", "1Q", "-1G"])
def test_sizes_that_are_none(text):
    with pytest.raises(ValueError, match="500M"):
        kinds.size(text)


def test_a_capacity_has_a_least():
    assert kinds.capacity("1M") == 1 << 20
    with pytest.raises(ValueError, match="less than 1M"):
        kinds.capacity("1000")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "86401", "soon"])
def test_time_outs_that_are_none(text):
    with pytest.raises(ValueError, match="no time in seconds"):
        kinds.seconds(text)


def test_half_lives_are_in_days():
    assert kinds.half_life("7d") == 7.0
    assert kinds.half_life("12h") == 0.5
    with pytest.raises(ValueError, match="above 0"):
        kinds.half_life("0d")


@pytest.mark.parametrize("text", ["", "0", "-1", "1.0", "²", "many"])
def test_counts_that_are_none(text):
    with pytest.raises(ValueError, match="no number from 1 on"):
        kinds.count(text)


def test_switches():
    assert [kinds.switch(text) for text in ("yes", "ON", "0", "False")] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="true or false"):
        kinds.switch("maybe")


def test_the_home_folder_is_known():
    assert kinds.path("~/x") == Path.home() / "x"
    with pytest.raises(ValueError, match="empty"):
        kinds.path(" ")


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (kinds.SWITCH, 1, "1 is not true or false"),
        (kinds.COUNT, True, "true is not a whole number from 1 on"),
        (kinds.COUNT, "2", '"2" is not a whole number'),
        (kinds.COUNT, 0, "'0' is no number from 1 on"),
        (kinds.TEXTS, ["a", 3], "3 is not text in quotes, or an array"),
        (kinds.PATH, 3, "3 is not text in quotes"),
        (kinds.SECONDS, "5", "not a number of seconds"),
        (kinds.one_of("a", "b"), "c", "'c' is not one of a, b"),
        (kinds.number(3, 20), 21, "not a whole number from 3 to 20"),
        (kinds.number(3, 20), 5.0, "not a whole number from 3 to 20"),
        (kinds.SIZE, [], "is not a size"),
    ],
)
def test_toml_of_another_type_or_range_is_refused(kind, value, words):
    with pytest.raises(ValueError, match=words.replace("[", r"\[")):
        kind.of_toml(value)


def test_what_toml_and_the_environment_may_say():
    assert kinds.SECONDS.of_toml(3) == kinds.SECONDS.of_variable("3") == 3.0
    assert kinds.SIZE.of_toml(1024) == kinds.SIZE.of_toml("1K") == 1024
    assert kinds.TEXTS.of_toml("a:1") == kinds.TEXTS.of_toml(["a:1"]) == ["a:1"]
    assert kinds.TEXTS.of_variable("a:1  b:2") == ["a:1", "b:2"]
    assert kinds.SWITCH.of_toml(True) is kinds.SWITCH.of_variable("1") is True
