from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.datatypes import Document, Evidence, Sentence, SentenceKind, Source, Span
from rag.election import Voter, elect, sides_of, weigh

PAGES = tuple(Document(name, Source("T"), "abcdefghij" * 3, (), "") for name in ("a.txt", "b.txt"))


def place(page: Document, start: int, end: int) -> Evidence:
    return Evidence(page, Sentence(SentenceKind.CHOSEN, Span(start, end)), 0.0)


VOTERS = st.lists(
    st.builds(
        lambda similarity, page, start, length: Voter(
            similarity, ((place(PAGES[page], start, start + length),),)
        ),
        st.floats(0.0, 1.0),
        st.integers(0, 1),
        st.integers(0, 20),
        st.integers(1, 10),
    ),
    max_size=8,
)


@given(VOTERS)
def test_no_vote_is_lost_and_the_most_voted_stands_first(voters: list[Voter]) -> None:
    weights = weigh(voters, 0.05)
    elected = elect(voters, weights, 0.1)
    assert math.isclose(sum(weight for _, weight in elected), sum(weights), abs_tol=1e-9)
    assert [weight for _, weight in elected] == sorted((w for _, w in elected), reverse=True)


def test_places_that_overlap_by_half_share_their_votes() -> None:
    voters = [
        Voter(0.9, ((place(PAGES[0], 0, 10),),)),
        Voter(0.9, ((place(PAGES[0], 4, 14),),)),
        Voter(0.9, ((place(PAGES[0], 20, 30),),)),
    ]
    elected = elect(voters, weigh(voters, 0.05), 0.1)
    assert [weight for _, weight in elected] == pytest.approx([2.0, 1.0])


def test_sides_stand_together_only_where_the_best_is_one_of_them() -> None:
    one, other, third = (place(PAGES[0], at, at + 5) for at in (0, 10, 20))
    differing = Voter(0.8, ((one,), (other,)), differ=True)
    for best, found in ((one, [one, other]), (other, [other, one]), (third, [])):
        elected = [(best, 2.0), *((p, 1.0) for p in (one, other, third) if p != best)]
        assert [side for side, _ in sides_of(elected, [differing], 0.75)] == found
    assert sides_of([(one, 1.0)], [differing], 0.85) == []
