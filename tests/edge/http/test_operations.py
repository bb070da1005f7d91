"""The tables of what can be asked."""

from dave.edge.http.operations import answer


def test_an_answer_is_a_response_object_of_openapi():
    assert answer("Words.") == {"description": "Words."}
    assert answer("Words.", "text/plain") == {
        "description": "Words.",
        "content": {"text/plain": {}},
    }
    assert answer("Words.", "text/plain", {"type": "string"}) == {
        "description": "Words.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
