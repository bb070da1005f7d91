"""The token's file: made once, for its owner alone, and never taken for what it is not."""

import os

import pytest

from dave.edge.http.token import load_or_make_token
from dave.errors import KeyFileError


def test_it_is_made_once(tmp_path):
    path = tmp_path / "http.token"
    token = load_or_make_token(path)
    assert len(token) == 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_make_token(path) == token
    assert os.listdir(tmp_path) == ["http.token"]
    path.unlink()
    assert load_or_make_token(path) != token


def test_what_an_interrupted_start_left_does_no_harm(tmp_path):
    (tmp_path / "http.token.new").write_bytes(b"torn")
    load_or_make_token(tmp_path / "http.token")
    assert os.listdir(tmp_path) == ["http.token"]


def test_an_operator_may_choose_it(tmp_path):
    path = tmp_path / "http.token"
    path.write_text("a" * 32)
    path.chmod(0o600)
    assert load_or_make_token(path) == "a" * 32


def test_others_must_not_read_it(tmp_path):
    path = tmp_path / "http.token"
    path.write_text("a" * 32)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_or_make_token(path)


@pytest.mark.parametrize("text", [b"", b"short", b"a" * 129, b"\xff" * 40, b"a b" * 20])
def test_what_is_no_token_is_refused(tmp_path, text):
    path = tmp_path / "http.token"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="holds no token"):
        load_or_make_token(path)


def test_a_folder_in_its_place_is_refused(tmp_path):
    path = tmp_path / "http.token"
    path.mkdir(mode=0o700)
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_or_make_token(path)


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(KeyFileError, match="cannot be made"):
        load_or_make_token(tmp_path / "none" / "http.token")
