from __future__ import annotations

from pathlib import Path

from eval.conversations import Conversation, read_conversations, write_conversations
from rag.assistant import Assistant


def test_a_conversation_is_written_as_it_was_shown_and_nothing_in_it_is_markup(
    assistant: Assistant, tmp_path: Path
) -> None:
    turns = (
        "It needs how many minutes before it is bright?",
        "why?",
        "<b>*x*</b>",
        "I want to die",
    )
    write_conversations(assistant, [Conversation("c", "somebody", turns)], tmp_path / "said.md")
    said = (tmp_path / "said.md").read_text(encoding="utf-8")
    assert "## c: somebody" in said
    assert assistant.ask(turns[0]).quotes[0].text in said
    assert "Understood as:" in said
    assert "<b>" not in said
    assert "911" in said


def test_the_report_holds_twenty_five_conversations_of_several_turns() -> None:
    conversations = read_conversations()
    assert len({one.id for one in conversations}) == 25
    assert all(len(one.turns) > 1 for one in conversations)
