"""Each session spends its own budget, which fills again as time goes by."""

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import SESSIONS_MAX
from dave.names import SECOND
from dave.session.budget import Budget
from dave.session.session import Session
from tests.session.helpers import A


def a_session(index):
    return Session(A, (index, 0), bytes(32), (None, bytes(8)), True, 0)


def test_a_burst_then_the_rate_and_others_do_not_feel_it():
    budget, one, two = Budget(4, 8), a_session(1), a_session(2)
    assert budget.take(one, 8, 0)
    assert not budget.take(one, 1, 0)
    assert budget.take(two, 8, 0)
    assert not budget.take(one, 3, SECOND // 2)
    assert budget.take(one, 2, SECOND // 2)


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, SECOND)), max_size=60))
def test_never_more_than_the_burst_and_the_rate(asked):
    budget, session, now, spent = Budget(4, 8), a_session(1), 0, 0
    for units, passed in asked:
        now += passed
        spent += units * budget.take(session, units, now)
        assert spent <= 8 + 4 * now / SECOND


def test_so_many_sessions_are_remembered_at_most():
    budget, session = Budget(4, 8), a_session(0)
    for index in range(SESSIONS_MAX + 10):
        session.index = index
        assert budget.take(session, 1, 0)
    assert len(budget) <= SESSIONS_MAX
