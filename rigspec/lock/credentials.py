"""The log-ins that ``docker login`` keeps.

They go to their registry and to where it gives out its tokens, and nowhere else.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

__all__ = ["login_for"]


def login_for(*names: str) -> tuple[str, str] | None:
    """User and password kept under the first of the names that has any.

    A log-in that a helper program keeps is not read. A file that cannot be read holds none.
    """
    folder = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    try:
        kept = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
        found = next(kept["auths"][name] for name in names if kept["auths"].get(name))
        user, _, password = base64.b64decode(found["auth"], validate=True).decode().partition(":")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None
    return (user, password) if user and password else None
