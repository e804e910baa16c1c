from __future__ import annotations

import pytest
from hypothesis import given

from rag.blocks import has_phone, is_contact, read_blocks, sentence_ends
from rag.datatypes import BlockKind, Document
from tests.hostile import pages

_INVISIBLE = "\ufeff\u200b\u2060"


def kinds(text: str, *, markdown: bool = False) -> list[tuple[BlockKind, str]]:
    blocks = read_blocks(text, markdown=markdown)
    return [(b.kind, text[b.span.start : b.span.end]) for b in blocks]


@given(pages)
def test_every_visible_character_is_in_exactly_one_block(text: str) -> None:
    covered = [0] * len(text)
    for block in read_blocks(text):
        assert block.span.start < block.span.end
        for at in range(block.span.start, block.span.end):
            covered[at] += 1
    for at, mark in enumerate(text):
        assert covered[at] <= 1
        if not mark.isspace() and mark not in _INVISIBLE:
            assert covered[at] == 1, (at, mark)


@given(pages)
def test_blocks_stand_in_the_order_of_the_page(text: str) -> None:
    starts = [block.span.start for block in read_blocks(text)]
    assert starts == sorted(starts)


def test_short_title_case_line_is_a_heading_and_a_byline_is_not() -> None:
    found = kinds("The Page\n\nReviewed by Dr. Ann Lee\n\nAllergic Reactions\n\nSome get a rash.\n")
    assert found[1] == (BlockKind.PARAGRAPH, "Reviewed by Dr. Ann Lee")
    assert found[2] == (BlockKind.HEADING, "Allergic Reactions")


def test_numbered_line_is_a_heading_alone_and_a_step_beside_another() -> None:
    heading = "T\n\n1. Avoid Home Use\n\nIt is risky. Do not.\n\n"
    text = heading + "Steps here:\n\n1. You ring.\n2. We ring.\n"
    found = {words: kind for kind, words in kinds(text)}
    assert found["1. Avoid Home Use"] is BlockKind.HEADING
    assert found["1. You ring."] is BlockKind.STEP


def test_list_items_know_the_sentence_that_leads_in() -> None:
    text = "T\n\nIt can harm. Signs are these:\n\n  • Pain\n  • Rash\n"
    blocks = read_blocks(text)
    lead_ins = {text[b.lead_in.start : b.lead_in.end] for b in blocks if b.lead_in}
    assert lead_ins == {"Signs are these:"}


def test_comment_keeps_its_author_and_is_no_step() -> None:
    text = "T\n\nBody text here.\n\n  1. It is bad!\n\n    Comment by Ann — May 1, 2020 @ 9:00 AM\n"
    assert kinds(text)[-1] == (
        BlockKind.COMMENT,
        "1. It is bad!\n\n    Comment by Ann — May 1, 2020 @ 9:00 AM",
    )


def test_everything_under_a_heading_for_comments_is_a_comment() -> None:
    text = (
        "# T\n\nBody.\n\n## Comments\n\n### Jane\n\nIt exploded!\n\nMine too.\n\n## More\n\nText.\n"
    )
    assert [kind for kind, _ in kinds(text, markdown=True)[3:]] == [
        BlockKind.COMMENT,
        BlockKind.COMMENT,
        BlockKind.COMMENT,
        BlockKind.HEADING,
        BlockKind.PARAGRAPH,
    ]


@pytest.mark.parametrize(
    "heading",
    [
        "Comments",
        "2 Comments",
        "Comments (3)",
        "3 Comments on “Is it safe?”",
        "2 Responses to “Is it safe?”",
        "Patient Reviews",
        "What our clients say",
    ],
)
def test_headings_that_people_put_over_comments(heading: str) -> None:
    text = f"T\n\nBody text.\n\n{heading}\n\n# 1 clinic ever\n\nJane Doe says:\n\nTake 500 mg.\n"
    assert {kind for kind, _ in kinds(text)[3:]} == {BlockKind.COMMENT}


@pytest.mark.parametrize("heading", ["Reviews", "Responses", "Our Responses to Pain"])
def test_headings_of_the_page_itself_start_no_comments(heading: str) -> None:
    found = kinds(f"T\n\nBody text.\n\n{heading}\n\nOur director Dr. Omar says:\n\nIt works.\n")
    assert BlockKind.COMMENT not in {kind for kind, _ in found}


def test_a_signed_comment_of_many_paragraphs_is_one_comment() -> None:
    body = "\n\n".join(f"Paragraph {at} of mine." for at in range(9))
    text = f"T\n\nBody text.\n\n  1. I say this.\n\n{body}\n\nComment by Ann — May 1, 2020\n"
    assert [kind for kind, _ in kinds(text)][2:] == [BlockKind.COMMENT]


def test_hard_wrapped_lines_are_one_paragraph() -> None:
    text = "T\n\nThis sentence goes on\nover two lines. And one more.\n"
    assert kinds(text)[1][1] == "This sentence goes on\nover two lines. And one more."


def test_windows_and_old_mac_line_ends_are_line_ends() -> None:
    for end in ("\r\n", "\r", "\n"):
        found = kinds(end.join(["The Title", "", "A first sentence.", "", "Another one.", ""]))
        assert [kind for kind, _ in found] == [
            BlockKind.TITLE,
            BlockKind.PARAGRAPH,
            BlockKind.PARAGRAPH,
        ]


def test_sentence_ends_pass_over_abbreviations_and_initials() -> None:
    text = "Dr. A. Lee saw it, e.g. in Ohio. It was “Special K.” It dulls pain vs. wine! Yes."
    ends = [text[:end].rsplit(maxsplit=1)[-1] for end in sentence_ends(text)]
    assert ends == ["Ohio.", "K.”", "wine!"]


def test_telephone_numbers_are_seen_and_dates_are_not() -> None:
    assert has_phone("Call 0203 984 7699 now")
    assert has_phone("888-288-9834")
    assert not has_phone("from 1960 to 1970, pp. 4412-4426")
    assert is_contact("please reach out to the team")


def test_shipped_pages_have_the_traps_in_the_right_place(real_pages: dict[str, Document]) -> None:
    amen = real_pages["amen-clinics-is-ketamine-safe-for-depression.txt"]
    comments = [b for b in amen.blocks if b.kind is BlockKind.COMMENT]
    assert len(comments) == 6
    assert all("Comment by" in amen.slice(b.span) for b in comments)
    london = real_pages["apn-london-what-is-ketamine-assisted-healing.txt"]
    steps = [b for b in london.blocks if b.kind is BlockKind.STEP]
    assert len(steps) == 6
    assert all(b.lead_in for b in steps)
    assert [london.slice(b.span) for b in london.blocks if b.kind is BlockKind.CONTACT][1] == (
        "0207 193 1128"
    )
    unnamed = real_pages["unnamed-is-ketamine-therapy-addictive.txt"]
    bullets = [unnamed.slice(b.span) for b in unnamed.blocks if b.kind is BlockKind.LIST_ITEM]
    assert bullets.count("• Increase in blood pressure") == 2
