"""`make protocol` and the check that it is not needed."""

from pathlib import Path

from dave_cli.protocol import main

ROOT = Path(__file__).parents[2]


def test_check_rewrite_check(tmp_path, capsys):
    text = (ROOT / "PROTOCOL.md").read_text("utf-8")
    path = tmp_path / "PROTOCOL.md"
    path.write_text(text.replace("Ed25519 public key |", "a key |"), "utf-8")
    assert main(["--check", str(path)]) == 1
    assert "make protocol" in capsys.readouterr().err
    assert main([str(path)]) == 0
    assert path.read_text("utf-8") == text
    assert main(["--check", str(path)]) == 0


def test_wrong_usage(tmp_path, capsys):
    assert main([]) == 2
    assert main([str(tmp_path / "none")]) == 2
    path = tmp_path / "no_marks.md"
    path.write_text("nothing", "utf-8")
    assert main([str(path)]) == 2
    assert "marks" in capsys.readouterr().err
