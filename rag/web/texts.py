"""The errors of the API; what a visitor reads on the page stands in ``languages/``."""

from __future__ import annotations

from typing import Final

TROUBLE: Final = "Something went wrong here, not on your side. Please ask again in a moment."

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
