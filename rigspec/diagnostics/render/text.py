"""Diagnostics as text for a terminal, in the manner of a compiler."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from rigspec.diagnostics.model import Diagnostic, Fact, Repair, Report, Severity, Span
from rigspec.diagnostics.sanitize import plain
from rigspec.resolution import Resolution

__all__ = ["edits_in_words", "render_text", "resolution_line"]

_COLORS = {
    Severity.ERROR: "\x1b[1;31m",
    Severity.WARNING: "\x1b[1;33m",
    Severity.NOTE: "\x1b[1;36m",
}
_BOLD, _BLUE, _RESET = "\x1b[1m", "\x1b[1;34m", "\x1b[0m"
_TAB = "    "


def render_text(
    report: Report, texts: Mapping[str, str], *, color: bool = False, width: int = 100
) -> str:
    """The report's diagnostics; ``texts`` holds the files that spans point into.

    ``width`` is where long sentences wrap; source lines are never cut.
    """
    masks = [span for d in report.diagnostics for span in d.spans if span.masked]
    painter = _Painter(color, max(width, 40), masks)
    return "\n".join(painter.diagnostic(d, texts) for d in report.diagnostics)


def resolution_line(resolution: Resolution) -> str:
    """A resolution in one line: ``tensorflow 1.8.0, CUDA 9.0.176, …``."""
    parts = [f"{pin.name} {pin.version}" for env in resolution.envs for pin in env.frameworks]
    parts += [f"Python {env.python}" for env in resolution.envs]
    parts += [f"CUDA {env.cuda} (in the wheels)" for env in resolution.envs if env.cuda]
    layers = (("CUDA", "cuda"), ("cuDNN", "cudnn"), ("driver", "driver"))
    for title, attribute in layers:
        version = getattr(resolution, attribute)
        if version is not None:
            parts.append(f"{title} {version}")
    return ", ".join([*dict.fromkeys(parts), resolution.os])


class _Painter:
    def __init__(self, color: bool, width: int, masks: list[Span]) -> None:
        self._color = color
        self._width = width
        self._masks = masks

    def diagnostic(self, diagnostic: Diagnostic, texts: Mapping[str, str]) -> str:
        head = self._paint(
            _COLORS[diagnostic.severity], f"{diagnostic.severity.value}[{diagnostic.code}]"
        )
        lines = [f"{head}{self._paint(_BOLD, ': ' + plain(diagnostic.message))}"]
        gutter = len(str(max((span.line for span in diagnostic.spans), default=1)))
        for file in dict.fromkeys(span.file for span in diagnostic.spans):
            spans = [span for span in diagnostic.spans if span.file == file]
            lines += self._frame(spans, texts.get(file, ""), gutter)
        lines += self._notes(diagnostic, gutter)
        return "\n".join(lines) + "\n"

    def _frame(self, spans: list[Span], text: str, gutter: int) -> Iterator[str]:
        arrow = self._paint(_BLUE, "-->")
        first = spans[0]
        yield f"{' ' * gutter} {arrow} {plain(first.file)}:{first.line}:{first.column}"
        source = text.split("\n")
        bar = self._paint(_BLUE, "|")
        yield f"{' ' * gutter} {bar}"
        previous: int | None = None
        ordered = sorted(spans, key=lambda span: (span.line, span.column))
        for span in ordered:
            if span.line > len(source) or not text:
                continue
            if previous is not None and span.line > previous + 1:
                yield self._paint(_BLUE, "...".ljust(gutter))
            line = self._masked(source[span.line - 1].rstrip("\r"), span)
            if span.line != previous:
                number = self._paint(_BLUE, str(span.line).rjust(gutter))
                yield f"{number} {bar} {_visible(line)}".rstrip()
            yield f"{' ' * gutter} {bar} {self._underline(span, line, span is first)}"
            previous = span.line

    def _masked(self, line: str, shown: Span) -> str:
        """The line with all that may be a secret blacked out, whatever it is shown for."""
        for span in self._masks:
            if span.file != shown.file or not span.line <= shown.line <= span.end_line:
                continue
            start = span.column if span.line == shown.line else 1
            end = span.end_column if span.end_line == shown.line else len(line) + 1
            line = line[: start - 1] + "•" * (end - start) + line[end - 1 :]
        return line

    def _underline(self, span: Span, line: str, first: bool) -> str:
        end = span.end_column if span.end_line == span.line else len(line) + 1
        before = _cells(_visible(line[: span.column - 1]))
        marked = max(_cells(_visible(line[span.column - 1 : end - 1])), 1)
        label = f" {plain(span.label)}" if span.label else ""
        mark = "^" if first else "-"
        return " " * before + self._paint(_COLORS[Severity.ERROR], mark * marked + label)

    def _notes(self, diagnostic: Diagnostic, gutter: int) -> Iterator[str]:
        for fact in diagnostic.facts:
            # A fact that is the message itself is not repeated, only its sources are cited.
            told = fact.statement == diagnostic.message
            if not told:
                yield from self._note(gutter, "fact", _fact(fact))
            for source in fact.sources:
                cited = f"{source.title}, read {source.read.isoformat()} <{source.url}>"
                if told:
                    yield from self._note(gutter, "source", cited + _doubt(fact))
                else:
                    yield from self._wrapped(" " * (gutter + 3), "source: " + cited)
        for words in diagnostic.breaks:
            yield from self._note(gutter, "at run time", words)
        for words in diagnostic.help:
            yield from self._note(gutter, "help", words)
        for repair in diagnostic.repairs:
            yield from self._note(gutter, "repair", edits_in_words(repair))
            outcome = "mends this alone: the other errors stand"
            if repair.resolution is not None:
                outcome = "resolves to " + resolution_line(repair.resolution)
            yield from self._wrapped(" " * (gutter + 3), outcome)

    def _note(self, gutter: int, kind: str, words: str) -> Iterator[str]:
        lines = list(self._wrapped(" " * (gutter + 3), f"{kind}: {words}"))
        told = lines[0].strip()[len(kind) + 1 :]
        yield f"{' ' * gutter} = {self._paint(_BOLD, kind + ':')}{told}"
        yield from lines[1:]

    def _wrapped(self, indent: str, words: str) -> list[str]:
        import textwrap

        return textwrap.wrap(
            plain(words),
            self._width,
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _paint(self, paint: str, text: str) -> str:
        return f"{paint}{text}{_RESET}" if self._color else text


def _fact(fact: Fact) -> str:
    return fact.statement + _doubt(fact)


def _doubt(fact: Fact) -> str:
    return "" if fact.confidence == "high" else f" ({fact.confidence} confidence)"


def edits_in_words(repair: Repair) -> str:
    """What a repair changes, as a sentence."""
    edits = []
    for edit in repair.edits:
        if edit.after is None:
            edits.append(f"remove {edit.key}")
        elif edit.before is None:
            edits.append(f'add {edit.key} = "{edit.after}"')
        else:
            edits.append(f'set {edit.key} from "{edit.before}" to "{edit.after}"')
    return ", and ".join(edits)


def _visible(text: str) -> str:
    """A source line as a terminal may show it: tabs widened, nothing that controls or reorders."""
    return plain(text.replace("\t", _TAB))


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes (Unicode Standard Annex 11)."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
