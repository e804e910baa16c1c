"""How hard an answer is to read."""

from __future__ import annotations

import re

from rag.blocks import sentence_ends

_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
_VOWELS = re.compile(r"[aeiouy]+")


def grade(text: str) -> float | None:
    """The US school grade that a text asks for; None where it holds no word.

    0.39 words per sentence + 11.8 syllables per word - 15.59 (Kincaid et al. 1975). Syllables
    are counted as groups of vowels, a silent "e" at the end left out: right to about a tenth.
    """
    words = _WORD.findall(text)
    if not words:
        return None
    sentences = len(sentence_ends(text)) + 1
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    """How many syllables an English word has, at least one."""
    plain = word.lower()
    groups = len(_VOWELS.findall(plain))
    silent = plain.endswith("e") and not plain.endswith(("le", "ee", "ye", "oe")) and groups > 1
    return max(groups - silent, 1)
