"""Every word of our own that a visitor can see; what the pages say is never here."""

from __future__ import annotations

from typing import Final

from rag import compose

TAB_TITLE: Final = "Ketamine therapy: what the pages say"
HEADING: Final = "Ask about ketamine therapy"
# {count} is "five public pages"; {publishers} says whose pages they are.
WHAT: Final = "Answers in the exact words of {count} about ketamine therapy, from {publishers}."
HOW: Final = (
    "Tap the number under a quote to see it on its page. When the pages do not say, you are told."
)
NOT: Final = "Not medical advice, and not a clinic. It cannot see who you are."
KEPT: Final = "Your questions are not stored."
ONE_PAGE: Final = "one public page"
PAGES: Final = "{number} public pages"
NUMBERS: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip
UNNAMED_ONE: Final = "one page that names no publisher"
UNNAMED_MORE: Final = "{number} pages that name no publisher"
AND: Final = " and "

EXAMPLES_HEADING: Final = "People ask"
EXAMPLES: Final = (
    "How long does a session last?",
    "Is ketamine addictive?",
    "What are the side effects?",
    "Is it safe to use ketamine at home?",
    "What happens at the London clinic, step by step?",
    "How quickly does it work for depression?",
)

BOX_LABEL: Final = "Your question"
BOX_PLACEHOLDER: Final = "Ask in your own words"
ASK: Final = "Ask"
START_AGAIN: Final = "Start again"
CONVERSATION_LABEL: Final = "Questions and answers"
EMERGENCY_US_FIRST: Final = "In an emergency call 911 (US) or 999 (UK)."
EMERGENCY_UK_FIRST: Final = "In an emergency call 999 (UK) or 911 (US)."

UNDERSTOOD: Final = "Understood as: "
PAGES_SAY: Final = "In the pages’ own words:"
PAGES_SAY_GENERALLY: Final = "What the pages say in general:"
PAGES_SAY_BESIDES: Final = "What the pages say about this:"
SILENT: Final = compose.NOT_IN_SOURCES
SILENT_ALONE: Final = "Try other words, or ask a doctor or a clinic."
NEAREST: Final = compose.NEAREST
CONTACT: Final = compose.CONTACT
# What stands between two help lines in a notice of the triage table.
BETWEEN_HELP_LINES: Final = " · "
DIFFER: Final = "The pages do not agree on this. Look at who says what."
COMMENT: Final = "Reader’s comment"
OPEN_SOURCE: Final = "Open the source: "
MORE: Final = "More that the pages say ({number})"
LEFT_OUT: Final = "A quote no longer matches its page, so it is not shown."
ALL_LEFT_OUT: Final = (
    "The pages changed while this was being answered, and the quotes no longer match them. "
    "None is shown. Please ask again."
)
ASK_NEXT: Final = "You could also ask:"

TROUBLE: Final = "Something went wrong here, not on your side. Please ask again in a moment."

SOURCE_LOADING: Final = "Opening the page …"
SOURCE_BACK: Final = "Back to the answer"
SOURCE_UNREACHABLE: Final = "The page could not be opened. Check your connection and try again."
SOURCE_COMMENTS: Final = "Readers’ comments"
SOURCE_COMMENTS_NOTE: Final = "Written by readers of the page, not by its publisher."
SOURCE_AS_READ: Final = "The page as it was read, as plain text. The marked words are the quote."

API_NO_DOCUMENT: Final = "There is no such page here."
API_CHANGED: Final = "This page has changed since that answer. Ask again."
API_BAD_SPAN: Final = "start and end are not a range of characters of this page."
API_BAD_QUERY: Final = "start and end must be whole numbers, and digest must be given."
API_TOO_LARGE: Final = "The request is larger than {most} bytes."
API_NOT_JSON: Final = "The body must be a JSON object."
API_BAD_QUESTION: Final = "question must be a text."
API_BAD_HISTORY: Final = "history must be a list of texts."
API_BAD_ID: Final = "id must be a text."
API_NOT_FOUND: Final = "There is nothing at this address."

API_WRONG_HOST: Final = (
    "This server does not answer to that name. Whoever runs it can allow the name with RAG_HOSTS."
)
API_WRONG_ORIGIN: Final = "This was sent by a page of another site, so it is refused."
API_LONG_ADDRESS: Final = "The address is longer than {most} characters."
API_BAD_METHOD: Final = "This address does not take that method."
API_TOO_OFTEN: Final = (
    "That was very often in a short time. Please wait a little, then try again. "
    "In an emergency call 911 (US) or 999 (UK)."
)
API_BUSY: Final = (
    "Very many questions are being asked just now. Please ask again in a moment. "
    "In an emergency call 911 (US) or 999 (UK)."
)
API_NOT_READY: Final = (
    "The chat has only just started and is not ready yet. Please ask again in a moment. "
    "In an emergency call 911 (US) or 999 (UK)."
)
