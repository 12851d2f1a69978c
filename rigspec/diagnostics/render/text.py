"""Render diagnostics as text for a terminal, like a compiler."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from rigspec.diagnostics.model import Diagnostic, Fact, Repair, Report, Severity, Span
from rigspec.diagnostics.render.end_of_life import join_end_of_life
from rigspec.diagnostics.sanitize import sanitize
from rigspec.resolution import Resolution

__all__ = ["describe_edits", "format_resolution", "paint_severity", "render_text"]

_COLORS = {
    Severity.ERROR: "\x1b[1;31m",
    Severity.WARNING: "\x1b[1;33m",
    Severity.NOTE: "\x1b[1;36m",
}
_BOLD, _BLUE, _RESET = "\x1b[1m", "\x1b[1;34m", "\x1b[0m"
_TAB = "    "
_HEAD = re.compile(r"(error|warning|note)(?:\[RS\d+\])?(?=:)")


def render_text(
    report: Report, texts: Mapping[str, str], *, color: bool = False, width: int = 100
) -> str:
    """Return the diagnostics of a report as text.

    ``texts`` has the content of each file that a span refers to. Sentences wrap at ``width``;
    source lines do not. Lines are shown without possible secrets.
    """
    if not report.diagnostics:
        return ""
    sources = _redact_shown_lines(report, texts)
    masks = [span for d in report.diagnostics for span in d.spans if span.masked]
    renderer = _Renderer(color, max(width, 40), sources, masks)
    shown = join_end_of_life(report.diagnostics)
    return "\n".join(map(renderer.render, shown))


def paint_severity(text: str) -> str:
    """Return a message with its severity in color, if it starts with one."""
    head = _HEAD.match(text)
    if head is None:
        return text
    return f"{_COLORS[Severity(head[1])]}{head[0]}{_RESET}{text[head.end() :]}"


def _redact_shown_lines(report: Report, texts: Mapping[str, str]) -> dict[str, Mapping[int, str]]:
    """Return the lines that the report refers to, by file and number."""
    from rigspec.secrets.redaction import redact_known_lines, redact_lines

    numbers: dict[str, set[int]] = {}
    for diagnostic in report.diagnostics:
        for span in diagnostic.spans:
            numbers.setdefault(span.file, set()).add(span.line)
    shown: dict[str, Mapping[int, str]] = {}
    for file in numbers.keys() & texts.keys():
        lines = redact_known_lines if file in report.imported else redact_lines
        shown[file] = lines(texts[file], numbers[file]) if texts[file] else {}
    return shown


def format_resolution(resolution: Resolution) -> str:
    """Return a resolution in one line: ``tensorflow 1.8.0, CUDA 9.0.176, …``."""
    parts = [f"{pin.name} {pin.version}" for env in resolution.envs for pin in env.frameworks]
    parts += [f"Python {env.python}" for env in resolution.envs]
    parts += [f"CUDA {env.cuda} (in the wheels)" for env in resolution.envs if env.cuda]
    layers = (("CUDA", "cuda"), ("cuDNN", "cudnn"), ("driver", "driver"))
    for title, attribute in layers:
        version = getattr(resolution, attribute)
        if version is not None:
            parts.append(f"{title} {version}")
    return ", ".join([*dict.fromkeys(parts), resolution.os])


class _Renderer:
    def __init__(
        self, color: bool, width: int, sources: Mapping[str, Mapping[int, str]], masks: list[Span]
    ) -> None:
        self._color = color
        self._width = width
        self._sources = sources
        self._masks: dict[tuple[str, int], list[Span]] = {}
        for span in masks:
            for line in range(span.line, span.end_line + 1):
                self._masks.setdefault((span.file, line), []).append(span)

    def render(self, diagnostic: Diagnostic) -> str:
        head = self._paint(
            _COLORS[diagnostic.severity], f"{diagnostic.severity.value}[{diagnostic.code}]"
        )
        lines = [f"{head}{self._paint(_BOLD, ': ' + sanitize(diagnostic.message))}"]
        gutter = len(str(max((span.line for span in diagnostic.spans), default=1)))
        for file in dict.fromkeys(span.file for span in diagnostic.spans):
            spans = [span for span in diagnostic.spans if span.file == file]
            lines += self._render_frame(spans, self._sources.get(file, {}), gutter)
        lines += self._render_notes(diagnostic, gutter)
        return "\n".join(lines) + "\n"

    def _render_frame(
        self, spans: list[Span], source: Mapping[int, str], gutter: int
    ) -> Iterator[str]:
        arrow = self._paint(_BLUE, "-->")
        first = spans[0]
        yield f"{' ' * gutter} {arrow} {sanitize(first.file)}:{first.line}:{first.column}"
        bar = self._paint(_BLUE, "|")
        yield f"{' ' * gutter} {bar}"
        previous: int | None = None
        ordered = sorted(spans, key=lambda span: (span.line, span.column))
        for span in ordered:
            if span.line not in source:
                continue
            if previous is not None and span.line > previous + 1:
                yield self._paint(_BLUE, "...".ljust(gutter))
            line = self._mask(source[span.line].rstrip("\r"), span)
            if span.line != previous:
                number = self._paint(_BLUE, str(span.line).rjust(gutter))
                yield f"{number} {bar} {_expand_tabs(line)}".rstrip()
            yield f"{' ' * gutter} {bar} {self._render_underline(span, line, span is first)}"
            previous = span.line

    def _mask(self, line: str, shown: Span) -> str:
        """Return the line with all possible secrets masked."""
        for span in self._masks.get((shown.file, shown.line), ()):
            start = span.column if span.line == shown.line else 1
            end = span.end_column if span.end_line == shown.line else len(line) + 1
            line = line[: start - 1] + "•" * (end - start) + line[end - 1 :]
        return line

    def _render_underline(self, span: Span, line: str, first: bool) -> str:
        end = span.end_column if span.end_line == span.line else len(line) + 1
        before = _count_cells(_expand_tabs(line[: span.column - 1]))
        marked = max(_count_cells(_expand_tabs(line[span.column - 1 : end - 1])), 1)
        label = f" {sanitize(span.label)}" if span.label else ""
        mark = "^" if first else "-"
        return " " * before + self._paint(_COLORS[Severity.ERROR], mark * marked + label)

    def _render_notes(self, diagnostic: Diagnostic, gutter: int) -> Iterator[str]:
        for fact in diagnostic.facts:
            # A fact that equals the message is not repeated; only its sources are shown.
            is_message = fact.statement == diagnostic.message
            if not is_message:
                yield from self._render_note(gutter, "fact", _format_fact(fact))
            for source in fact.sources:
                cited = f"{source.title}, read {source.read.isoformat()} <{source.url}>"
                if is_message:
                    yield from self._render_note(gutter, "source", cited + _format_confidence(fact))
                else:
                    yield from self._wrap(" " * (gutter + 3), "source: " + cited)
        for text in diagnostic.runtime_error:
            yield from self._render_note(gutter, "at run time", text)
        for text in diagnostic.help:
            yield from self._render_note(gutter, "help", text)
        for repair in diagnostic.repairs:
            yield from self._render_note(gutter, "repair", describe_edits(repair))
            outcome = "fixes this error only"
            if repair.resolution is not None:
                outcome = "resolves to " + format_resolution(repair.resolution)
            yield from self._wrap(" " * (gutter + 3), outcome)

    def _render_note(self, gutter: int, kind: str, text: str) -> Iterator[str]:
        lines = list(self._wrap(" " * (gutter + 3), f"{kind}: {text}"))
        rest = lines[0].strip()[len(kind) + 1 :]
        yield f"{' ' * gutter} = {self._paint(_BOLD, kind + ':')}{rest}"
        yield from lines[1:]

    def _wrap(self, indent: str, text: str) -> list[str]:
        import textwrap

        return textwrap.wrap(
            sanitize(text),
            self._width,
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _paint(self, paint: str, text: str) -> str:
        return f"{paint}{text}{_RESET}" if self._color else text


def _format_fact(fact: Fact) -> str:
    return fact.statement + _format_confidence(fact)


def _format_confidence(fact: Fact) -> str:
    return "" if fact.confidence == "high" else f" ({fact.confidence} confidence)"


def describe_edits(repair: Repair) -> str:
    """Return the edits of a repair as a sentence."""
    edits = []
    for edit in repair.edits:
        if edit.after is None:
            edits.append(f"remove {edit.key}")
        elif edit.before is None:
            edits.append(f'add {edit.key} = "{edit.after}"')
        else:
            edits.append(f'set {edit.key} from "{edit.before}" to "{edit.after}"')
    return ", and ".join(edits)


def _expand_tabs(text: str) -> str:
    """Return a source line with tabs expanded and control characters replaced."""
    return sanitize(text.replace("\t", _TAB))


def _count_cells(text: str) -> int:
    """Return the number of terminal cells of a text (Unicode Standard Annex 11)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
