"""Candidates of several lookups are one list of nodes; steps are words for a person."""

from dave.names import SECOND
from dave.node.candidate import Candidate, State, merge, outcome_of, score_of
from dave.node.requests import Answer, Peer
from dave.peers.trust import Trust
from dave.session.session import FailReason
from dave.wire.messages import FindAck, GetAck, Pong, PutAck, WireContact
from dave.wire.status import PutStatus


def candidate(node_id, state=State.NEW, port=1, number=0):
    made = Candidate(Peer(("10.0.0.1", port), bytes(32), bytes(8), node_id), node_id, 2, number, 3)
    made.state = state
    return made


def test_a_node_met_by_several_lookups_is_one_nearest_first():
    first = [candidate(5), candidate(2, State.ANSWERED)]
    second = [candidate(2, State.FAILED, port=2), candidate(9), candidate(5, State.FAILED)]
    merged = merge([first, second])
    assert [c.peer.id for c in merged] == [2, 5, 9]
    assert [c.state for c in merged] == [State.ANSWERED, State.FAILED, State.NEW]


def test_edges_of_unknown_id_are_told_apart_by_address():
    edges = [Candidate(Peer(("10.0.0.1", port)), -1, 0, port) for port in (1, 2, 1)]
    assert len(merge([edges])) == 2


def test_a_step_says_who_was_asked_and_what_came_of_it():
    step = candidate(7).step("found", 1_000_000, 0.5)
    assert (step.id, step.outcome, step.rtt_ns, step.hop, step.path, step.trust) == (
        7, "found", 1_000_000, 2, 3, 0.5,
    )  # fmt: skip


def test_only_evidence_makes_a_score():
    trust = Trust()
    assert score_of(trust, 1, 0) is None
    trust.kept(1, 0)
    assert score_of(trust, 1, SECOND) == trust.score(1, SECOND) > 0
    assert score_of(trust, None, 0) is None


def test_every_answer_has_words():
    contact = WireContact(bytes(32), bytes(8), ("10.0.0.1", 1))
    cases = {
        "2 contacts": FindAck((contact, contact)),
        "absent, 1 contacts": GetAck(None, (contact,)),
        "low_rank": PutAck(PutStatus.LOW_RANK),
        "pong": Pong(0),
    }
    for words, reply in cases.items():
        assert outcome_of(Answer(reply, None, 0, None)) == words
    assert outcome_of(Answer(None, None, 0, FailReason.NO_ANSWER)) == "no_answer"
