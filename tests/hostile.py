"""Text that breaks programs which take offsets lightly."""

from __future__ import annotations

from hypothesis import strategies as st

_NASTY = (
    "e\u0301",  # a letter and its accent as two code points
    "👩\u200d⚕\ufe0f",  # one picture of four code points
    "\u00a0",
    "\u202eturned\u202c",  # right-to-left override
    "שלום",
    "مرحبا بكم.",
    "痛みを和らげる。次の文。",
    "\r\n",
    "\r",
    "\u2028",
    "\x0b",
    "\x0c",
    "\u200b",
    "\ufeff",
    "<b>&amp;",
    "“quoted.” ",
    "Dr. Who. ",
    "e.g. this. ",
    "1. ",
    "  • ",
    "# ",
    "\n\n",
    "\n",
    " ",
    ": ",
    "Comment by Ann — May 1, 2020 @ 9:00 AM\n\n",
    "Call 0203 984 7699. ",
    "A plain sentence stands here. ",
    "What is it? ",
    "x" * 300,
)

pages = st.lists(
    st.one_of(
        st.sampled_from(_NASTY),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
    ),
    max_size=40,
).map("".join)
