"""Text of others, before it reaches a terminal or a log: nothing in it is obeyed or reorders."""

from __future__ import annotations

import unicodedata

__all__ = ["plain", "plain_json"]

# Controls, marks of direction and joining, halves of pairs, separators of lines (Unicode
# Standard Annex 44, general categories).
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def plain(text: str, *, keep: str = "") -> str:
    """The text with such characters replaced; those of ``keep`` stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        "\ufffd" if _is_obeyed(character) and character not in keep else character
        for character in text
    )


def plain_json(text: str) -> str:
    """JSON that says the same in characters that a terminal does not obey."""
    if text.isascii():  # JSON has escaped its controls, all but one
        return text.replace("\x7f", "\\u007f")
    return "".join(
        _escaped(character) if character != "\n" and _is_obeyed(character) else character
        for character in text
    )


def _is_obeyed(character: str) -> bool:
    return unicodedata.category(character) in _OBEYED


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
