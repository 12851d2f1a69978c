"""``rigspec lsp``: serve editors."""

from __future__ import annotations

import gc

__all__ = ["lsp"]


def lsp() -> None:
    """Serve editors: diagnostics, repairs, hover, completion.

    Editors start this command and use it over standard input and output; see the guide "Editors".
    """
    # Imported here: the help of the command does not need the extra.
    from rigspec.lsp.server import run_server

    # The tables of the matrix stay. What is created for each edit does not.
    gc.freeze()
    gc.enable()
    run_server()
