"""Numbers of a TOML file with their text."""

from __future__ import annotations

__all__ = ["WrittenFloat"]


class WrittenFloat(float):
    """A number with its text: as a version `3.10` is not `3.1`."""

    text: str

    def __new__(cls, text: str) -> WrittenFloat:
        """Return the number that a text writes."""
        number = super().__new__(cls, text)
        number.text = text
        return number
