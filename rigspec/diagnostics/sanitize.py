"""Replace control characters in untrusted text before it is shown in a terminal or a log."""

from __future__ import annotations

import unicodedata

__all__ = ["sanitize", "sanitize_json"]

# Controls, format characters, surrogates, line and paragraph separators (Unicode Standard
# Annex 44, general categories).
_CONTROL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def sanitize(text: str, *, keep: str = "") -> str:
    """Return the text with control characters replaced, except for those in ``keep``."""
    if text.isascii() and text.isprintable():
        return text
    for control in _find_controls(text) - set(keep):
        text = text.replace(control, "\ufffd")
    return text


def sanitize_json(text: str) -> str:
    """Return the same JSON with control characters escaped."""
    if text.isascii():  # JSON escapes all other ASCII controls
        return text.replace("\x7f", "\\u007f")
    for control in _find_controls(text) - {"\n"}:
        text = text.replace(control, _escape(control))
    return text


def _find_controls(text: str) -> set[str]:
    return {
        character
        for character in set(text)
        if unicodedata.category(character) in _CONTROL_CATEGORIES
    }


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
