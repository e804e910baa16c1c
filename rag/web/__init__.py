"""The web page: what a visitor sees, and the small server behind it."""
