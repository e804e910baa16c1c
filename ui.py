"""Start the web page: ``python ui.py``."""

from __future__ import annotations

import sys

from rag.datatypes import RagError
from rag.settings import read_settings
from rag.web.app import serve


def main() -> int:
    """Serve until interrupted; the exit status is 1 when it could not start."""
    try:
        serve(read_settings())
    except RagError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
