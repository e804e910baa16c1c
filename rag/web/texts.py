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
