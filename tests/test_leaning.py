from __future__ import annotations

from pathlib import Path

import pytest

from rag.datatypes import ModelError
from rag.leaning import Likeness, marks_of, read_leaning

leaning = read_leaning()


def leans(words: str, *, alone: float, gap: bool = False, before: str = "Is it safe?") -> bool:
    return leaning.leans(words, before, Likeness(before=0.3, alone=alone, gap=gap))


def test_small_words_and_how_well_known_they_are_tell_whether_words_lean() -> None:
    assert leans("and why is that?", alone=0.6)
    assert leans("what about after that one?", alone=0.6)
    assert not leans("What are the side effects of ketamine treatment?", alone=0.9)
    seldom, often = (
        leaning.of_marks(marks_of("how long for", "Is it safe?", Likeness(0.3, alone)))
        for alone in (0.5, 1.0)
    )
    assert seldom > often


def test_what_the_bank_knows_stands_alone_unless_it_points_back() -> None:
    words = "and how much does it cost?"
    assert leans(words, alone=0.8)
    assert not leans(words, alone=0.8, gap=True)
    pointing = "what training do they have"
    assert leans(pointing, alone=0.8, gap=True, before="Are there facilitators at ATMA?")


@pytest.mark.parametrize("content", ['{"weights": []}', "[]", "nothing"])
def test_another_file_of_weights_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "leaning.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="fit_leaning"):
        read_leaning(tmp_path / "leaning.json")
