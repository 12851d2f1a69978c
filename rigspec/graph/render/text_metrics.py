"""Compute the width of drawn text without the font."""

from __future__ import annotations

import unicodedata

from rigspec.diagnostics.sanitize import sanitize

__all__ = ["compute_width", "wrap_text"]

# Advance widths of Helvetica in thousandths of the font size (Adobe font metrics; Arial and
# Liberation Sans are equal).
_WIDTHS = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[]\\ft",
    333: "()-`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jckvsxyz",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1015: "@",
}
_ADVANCE = {letter: advance for advance, letters in _WIDTHS.items() for letter in letters}
_OTHER, _WIDE, _BOLD = 600, 1000, 1.06


def compute_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in pixels."""
    advances = sum(_ADVANCE.get(letter) or _estimate_advance(letter) for letter in text)
    return advances * size / 1000 * (_BOLD if bold else 1)


def wrap_text(text: str, size: float, limit: float, *, bold: bool = False) -> tuple[str, ...]:
    """Return the text in lines of at most ``limit`` pixels; long words are broken."""
    lines, line = [], ""
    for word in sanitize(text).split():
        if line and compute_width(f"{line} {word}", size, bold=bold) <= limit:
            line = f"{line} {word}"
            continue
        if line:
            lines.append(line)
        line = ""
        for letter in word:
            if line and compute_width(line + letter, size, bold=bold) > limit:
                lines.append(line)
                line = ""
            line += letter
    return (*lines, line) if line or not lines else tuple(lines)


def _estimate_advance(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return _WIDE if unicodedata.east_asian_width(letter) in "WF" else _OTHER
