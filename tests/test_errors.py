"""The tree of errors: what its page draws is what it is, with the exit codes it promises."""

import re

from dave import errors

CODES = {"exit 1": 1, "exit 2": 2, "exit 3": 3}


def classes() -> dict[str, type[errors.DaveError]]:
    found = {n: c for n, c in vars(errors).items() if isinstance(c, type)}
    return {n: c for n, c in found.items() if issubclass(c, errors.DaveError)}


def test_the_drawing_names_every_class_with_its_parent() -> None:
    assert errors.__doc__ is not None
    parents, drawn = {0: "DaveError"}, {}
    for line in errors.__doc__.splitlines():
        if match := re.match(r"    ([| `]*-- )(\w+)", line):
            depth = len(match[1]) // 4
            drawn[match[2]] = parents[depth - 1]
            parents[depth] = match[2]
            for words, code in CODES.items():
                if line.endswith(words):
                    assert classes()[match[2]].exit_code == code
    actual = {n: c.__bases__[0].__name__ for n, c in classes().items() if n != "DaveError"}
    assert drawn == actual


def test_children_exit_as_their_parents() -> None:
    for cls in classes().values():
        parent = cls.__bases__[0]
        if issubclass(parent, errors.DaveError) and parent is not errors.DaveError:
            assert cls.exit_code == parent.exit_code


def test_usage_errors_are_value_errors_too() -> None:
    assert issubclass(errors.KeyFileError, ValueError)


def test_what_is_carried_comes_along() -> None:
    assert errors.NotStored("no majority", "receipt").receipt == "receipt"
    assert errors.NotStored("no majority").receipt is None
    assert errors.Conflict("lost", "winner").winner == "winner"
    assert str(errors.Conflict("lost")) == "lost"
    assert errors.Incomplete("cut", ["name"]).part == ["name"]
