"""The table of `--explain`: every step one line, columns aligned."""

from dave.node.candidate import Step
from dave_cli.explain import COLUMNS, print_trace, table

TRACE = [
    Step(("127.0.0.1", 1424), None, "no_answer", 0, 0),
    Step(("10.1.2.3", 9), 0xAB, "20 contacts", 1_234_567, 12, 7, 0.721),
]


def test_every_step_is_a_line_under_its_titles():
    titles, *lines = table(TRACE)
    assert tuple(titles.split()) == COLUMNS
    assert lines[0].split() == ["0", "0", "edge", "127.0.0.1:1424", "-", "-", "no_answer"]
    assert lines[1].split() == [
        "12", "7", "00000000000000ab", "10.1.2.3:9", "1.23", "0.72", "20", "contacts",
    ]  # fmt: skip
    starts = [
        line.index(word) for line, word in zip((titles, *lines), ("ans", "no", "20"), strict=True)
    ]
    assert len(set(starts)) == 1


def test_it_goes_to_standard_error(capsys):
    print_trace([])
    captured = capsys.readouterr()
    assert (captured.out, captured.err.split()) == ("", list(COLUMNS))
