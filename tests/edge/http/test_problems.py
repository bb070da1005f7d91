"""Whatever goes wrong is told in one form, and says what to do."""

import pytest

from dave import errors
from dave.edge.http.problems import STATUS, status_of
from tests.edge.http.serving import served


@served()
async def test_paths_and_methods_that_are_not_there(site):
    assert await site.problem("GET", "/v1/nothing") == (
        404, "Not Found", "there is nothing at this path; /v1/openapi.json tells what there is"
    )  # fmt: skip
    async with site.ask("DELETE", "/v1/status") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")
        assert (await response.json())["detail"] == (
            "DELETE is not one of the methods here: GET, HEAD"
        )


def tree(kind):
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


@pytest.mark.parametrize("kind", list(tree(errors.DaveError)), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_that_fits(kind):
    status = status_of(kind("words"))
    blame = 400 <= status < 500
    assert blame == (
        issubclass(kind, errors.UsageError | errors.Conflict)
        and not issubclass(kind, errors.KeyFileError)
    )


def test_no_line_of_the_table_is_hidden_by_one_above():
    kinds = list(STATUS)
    for n, kind in enumerate(kinds):
        assert not any(issubclass(kind, above) for above in kinds[:n])
