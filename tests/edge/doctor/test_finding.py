"""What a finding looks like to a program."""

from dave.edge.doctor.finding import Level, ok, problem, warning


def test_a_finding_says_what_how_bad_and_what_mends_it():
    assert ok("disk", "fine").as_json() == {
        "check": "disk", "level": "ok", "text": "fine", "mend": None,
    }  # fmt: skip
    assert warning("disk", "small", "make room").as_json()["mend"] == "make room"
    assert problem("disk", "full", "make room").as_json()["level"] == "problem"
    assert Level.OK < Level.WARNING < Level.PROBLEM
