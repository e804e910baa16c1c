"""What sort of thing a question asks for, and whether words hold any such thing.

Somebody who asks what it costs is not answered by words without a sum, however like the
question they are. (Expected answer types: Li, Roth 2002, "Learning Question Classifiers".)
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = (
    r"(?:\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|dozen|several|half"
    r"|third|quarter|hundred|thousand|million|single|couple|few|once|twice)\b)"
)
_UNIT = (
    r"(?:\b|(?<=\d))(?:second|sec|minute|min|hour|hr|day|week|wk|month|year|yr|decade|session)s?\b"
)
_YEAR = r"\b(?:1[89]|20)\d\d"
# "May" and "March" are words of their own, too.
_MONTHS = (
    r"January|February|March(?= \d)|April|May(?= \d)|June|July|August|September|October"
    r"|November|December"
)
# What asks for it, and what answers that.
_SORTS = tuple(
    (re.compile(asks, re.I), re.compile(answers, re.I))
    for asks, answers in (
        (  # money
            r"\b(?:costs?|costing|prices?|pric(?:ed|ing|ey)|charg(?:es?|ing) (?:you|for|me|us|per)"
            r"|(?:does|do|they|you) charge|fees?|pays?|paying|payments?|paid|expensive|cheap\w*"
            r"|afford\w*|bills?|quid|dollars?|bucks|insur\w+|refund\w*|deposit|salary)\b|[£$€]",
            r"[£$€]\s?\d|\b(?:free|costs?|prices?|insur\w+|fees?|afford\w*|pay\w*|paid|expens\w+"
            r"|cheap\w*|charg\w+)\b",
        ),
        (  # an age
            r"\bhow old\b(?! is (?:it|this|that|ketamine|the drug)\b)"
            r"|\b(?:what|which|minimum|maximum) age\b|\bage limits?\b|\bold enough\b",
            r"\b(?:aged?|ages|years? old|year-old|adults?|child\w*|teen\w*|minors?|elderly)\b"
            r"|\b(?:over|under|above|below|from) \d\d\b|\b\d\d ?\+",
        ),
        (  # a date
            r"\b(?:what|which) (?:year|date|month|decade)\b|\bwhen (?:was|were|did|had)\b"
            r"|\bwhen['’]?d\b",
            rf"{_YEAR}|\bdecades?\b|\b(?:{_MONTHS})\b|\b(?:in|within|after) .{{0,20}}{_UNIT}",
        ),
        (r"\bhow many\b|\bpercent\w*", rf"{_NUMBER}|\b(?:most|all|none|majority|many|few)\b"),
        (  # a length of time
            r"\bhow (?:long|soon|quick\w*|fast)\b|\bhow many (?:minutes|hours|days|weeks|months"
            r"|years)\b|\bhow much time\b",
            rf"{_UNIT}|{_YEAR}|\b(?:rapid|quick|fast|short|immediate|long)",
        ),
    )
)


def lacks_expected(question: str, quotes: Iterable[str]) -> bool:
    """Whether the question asks for a sort of thing that none of the quotes holds."""
    asked = [answers for asks, answers in _SORTS if asks.search(question)]
    if not asked:
        return False
    words = "\n".join(quotes)
    return not all(answers.search(words) for answers in asked)
