"""Answers as text for a person, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rigspec.diagnostics.model import Diagnostic, Edit
from rigspec.matrix.model import Release
from rigspec.query.answer import (
    Answer,
    SuggestedChange,
    apply_edits,
    find_environment,
    install_commands,
    install_libraries,
)
from rigspec.query.gpu_page import GpuPage
from rigspec.query.offers import Offer
from rigspec.query.question import Question, Requested
from rigspec.resolution import Resolution
from rigspec.resolve.explain.phrasing import add_article
from rigspec.version_specifiers import normalize_name

__all__ = [
    "convert_answer",
    "convert_offers",
    "convert_page",
    "render_answer",
    "render_offers",
    "render_page",
]

_SCHEMA = 1


def render_answer(answer: Answer, *, quiet: bool = False) -> str:
    """Return a yes with the command that installs it, a no with what works instead, or an error."""
    lines = [f"{answer.verdict}: {_headline(answer)}"]
    if answer.resolution is not None and answer.is_yes:
        requests = [
            r for r in answer.question.requests if normalize_name(r.name) not in answer.unlisted
        ]
        lines += _resolution_lines(answer.resolution, requests)
        if not quiet:
            lines += [f"  warning: {w.message} [{w.code}]" for w in answer.warnings]
    for error in answer.errors:
        lines += _error_lines(error)
    for alternative in answer.alternatives[:2]:
        lines += _alternative_lines(alternative, answer.question.requests)
    if not answer.is_yes and not answer.alternatives and not answer.is_invalid:
        lines.append("  nothing that rigspec tried makes it work")
    if not quiet:
        for note in answer.notes:
            lines.append(f"  note: {note.message} [{note.code}]")
            lines += [f"    {line}" for line in note.help[:1]]
        lines += [f"  not checked: {_strip_mark(note)}" for note in answer.unchecked]
    return "\n".join(lines)


def _strip_mark(note: Diagnostic) -> str:
    text = note.message.removeprefix("not checked: ").removeprefix("not checked, ")
    return text.removeprefix("because ")


def render_offers(request: Requested, offers: Sequence[Offer], *, quiet: bool = False) -> str:
    """Return a table of what runs, and the command that installs the first row."""
    header = (request.name, "build", "CUDA", "Python", "why not newer")
    rows = [
        (o.version, _build(o), o.cuda or "-", _python_range(o.pythons), _why_not_newer(o))
        for o in offers
    ]
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        for row in (header, *rows)
    ]
    lines += ["", f"  {offers[0].install}"]
    lines += [f"  not checked: {_strip_mark(note)}" for note in offers[0].unchecked if not quiet]
    return "\n".join(line.rstrip() for line in lines)


def render_page(page: GpuPage) -> str:
    """Return what the matrix knows of a card or an instance."""
    facts = {
        "GPUs": _cards(page.release),
        "architecture": page.release.get("architecture"),
        "compute capability": page.capability,
        "memory": _with_unit(page.release.get("memory_gib"), "GiB"),
        "vCPUs": page.release.get("vcpus"),
        "main memory": _with_unit(page.release.get("ram_gib"), "GiB"),
        "power": _with_unit(page.release.get("watts"), "W"),
        "launched": page.release.get("launched"),
        "drivers": _range(page.drivers),
        "CUDA toolkits": _up_to(page.toolkits),
    }
    lines = [page.name, *(f"  {key:<19} {value}" for key, value in facts.items() if value)]
    lines.append("newest that runs")
    for name, offer in page.frameworks:
        text = "none" if offer is None else offer.install.removeprefix("pip install ")
        lines.append(f"  {name:<19} {text}")
    return "\n".join(lines)


def convert_answer(answer: Answer) -> dict[str, Any]:
    """Return an answer as plain values."""
    return {
        "schema": _SCHEMA,
        "answer": answer.verdict,
        "question": _question_as_dict(answer.question),
        "resolution": _resolution_as_dict(answer.resolution, answer.question.requests),
        "errors": [_diagnostic_as_dict(error) for error in answer.errors],
        "warnings": [_diagnostic_as_dict(warning) for warning in answer.warnings],
        "notes": [note.message for note in answer.notes],
        "not_checked": [note.message for note in answer.unchecked],
        "alternatives": [
            {
                "edits": [_edit(edit) for edit in alternative.edits],
                "resolution": _resolution_as_dict(alternative.resolution),
            }
            for alternative in answer.alternatives
        ],
    }


def convert_offers(
    question: Question, request: Requested, offers: Sequence[Offer]
) -> dict[str, Any]:
    """Return the table of offers as plain values."""
    return {
        "schema": _SCHEMA,
        "question": _question_as_dict(question),
        "package": request.name,
        "not_checked": [note.message for note in offers[0].unchecked] if offers else [],
        "offers": [_offer_as_dict(offer) for offer in offers],
    }


def convert_page(page: GpuPage) -> dict[str, Any]:
    """Return the page of a card as plain values."""
    return {
        "schema": _SCHEMA,
        "gpu": page.name,
        "compute_capability": page.capability,
        "properties": dict(page.release.properties),
        "drivers": page.drivers,
        "cuda": page.toolkits,
        "frameworks": {
            name: None if offer is None else _offer_as_dict(offer)
            for name, offer in page.frameworks
        },
        "sources": [source.url for source in page.release.sources],
    }


def _headline(answer: Answer) -> str:
    names = " and ".join(map(_request, answer.question.requests)) or _name_fields(answer.question)
    machine = answer.question.instance or answer.question.gpu
    if not answer.is_yes:
        return answer.errors[0].message if answer.errors else f"{names} cannot run"
    env = find_environment(answer.resolution) if answer.resolution is not None else None
    libraries = [r for r in answer.question.requests if r.framework is None]
    if env is not None and env.frameworks:
        pins = [f"{pin.name} {pin.version}" for pin in env.frameworks]
        names = " with ".join([", ".join(map(_request, libraries)), *pins][not libraries :])
    verb = "run" if " and " in names and not libraries else "runs"
    if machine is None:
        return f"{names} can be installed"
    return f"{names} {verb} on {add_article(machine)}"


def _name_fields(question: Question) -> str:
    """Return the versions of a question without packages: `CUDA 13 and driver 580`."""
    fields = {
        "CUDA": question.cuda,
        "cuDNN": question.cudnn,
        "driver": question.driver,
        "Python": question.python,
        "": question.os,
    }
    named = [f"{name} {version}".strip() for name, version in fields.items() if version is not None]
    return " and ".join(named) or "this"


def _resolution_lines(resolution: Resolution, requests: Sequence[Requested] = ()) -> Iterator[str]:
    env = find_environment(resolution)
    parts = [f"Python {env.python}"] if env is not None else []
    if env is not None and env.cuda:
        parts.append(f"CUDA {env.cuda} in the wheels")
    elif resolution.cuda:
        parts.append(f"CUDA {resolution.cuda}")
    if resolution.driver:
        parts.append(f"driver {resolution.driver}")
    system = f"{resolution.os}{resolution.architecture_remark}"
    yield f"  with {', '.join([*parts, system])}"
    for command in install_commands(env) if env is not None else ():
        yield f"  {command}"
    yield from (f"  {command}" for command in install_libraries(requests))


def _error_lines(error: Diagnostic) -> Iterator[str]:
    for fact in error.facts[:3]:
        yield f"  because {fact.statement} [{error.code}]"
        for source in fact.sources[:1]:
            yield f"    source: {source.url}, read {source.read.isoformat()}"
    if not error.facts:
        yield from (f"  {text} [{error.code}]" for text in error.help[:1])
    yield from (f"  at run time: {text}" for text in error.runtime_error[:1])


def _alternative_lines(
    alternative: SuggestedChange, requests: Sequence[Requested]
) -> Iterator[str]:
    yield f"  instead: {', '.join(map(_describe, alternative.edits))}"
    env = find_environment(alternative.resolution)
    commands = install_commands(env) if env is not None else ()
    libraries = install_libraries(apply_edits(requests, alternative.edits))
    for command in (*commands, *libraries):
        yield f"    {command}"


def _describe(edit: Edit) -> str:
    name = edit.key.rsplit(".", 1)[-1]
    if edit.after is None:
        return f"without {name}"
    return f"{name} {edit.after}"


def _why_not_newer(offer: Offer) -> str:
    return "" if offer.newer is None else offer.newer.reason


def _build(offer: Offer) -> str:
    if offer.build is None:
        return "-"
    return offer.build if offer.index else f"{offer.build} (PyPI)"


def _python_range(pythons: Sequence[str]) -> str:
    if not pythons:
        return "-"
    return pythons[0] if len(pythons) == 1 else f"{pythons[0]} to {pythons[-1]}"


def _cards(release: Release) -> str | None:
    """Return the cards of an instance: `8 x H100`."""
    gpu = release.get("gpu")
    return f"{release.get('gpus') or 1} x {gpu}" if gpu is not None else None


def _range(versions: tuple[str, str] | None) -> str | None:
    if versions is None:
        return None
    return versions[0] if versions[0] == versions[1] else f"{versions[0]} to {versions[1]}"


def _up_to(versions: tuple[str, str] | None) -> str | None:
    return f"up to {versions[1]}" if versions is not None else None


def _with_unit(value: str | None, unit: str) -> str | None:
    return f"{value} {unit}" if value is not None else None


def _request(request: Requested) -> str:
    version = request.version
    return request.name if version is None else f"{request.name} {version.removeprefix('==')}"


def _question_as_dict(question: Question) -> dict[str, Any]:
    return {
        "instance": question.instance,
        "gpu": question.gpu,
        "driver": question.driver,
        "cuda": question.cuda,
        "cudnn": question.cudnn,
        "python": question.python,
        "os": question.os,
        "requirements": [_request(request) for request in question.requests],
    }


def _resolution_as_dict(
    resolution: Resolution | None, requests: Sequence[Requested] = ()
) -> dict[str, Any] | None:
    if resolution is None:
        return None
    env = find_environment(resolution)
    return {
        "os": resolution.os,
        "driver": resolution.driver,
        "cuda": resolution.cuda or (env.cuda if env is not None else None),
        "cudnn": resolution.cudnn,
        "python": env.python if env is not None else None,
        "packages": {p.name: p.version for p in env.frameworks} if env is not None else {},
        "install": [
            *(install_commands(env) if env is not None else ()),
            *install_libraries(requests),
        ],
    }


def _diagnostic_as_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "message": diagnostic.message,
        "facts": [
            {"statement": fact.statement, "sources": [s.url for s in fact.sources]}
            for fact in diagnostic.facts
        ],
        "runtime_errors": list(diagnostic.runtime_error),
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {"key": edit.key, "from": edit.before, "to": edit.after}


def _offer_as_dict(offer: Offer) -> dict[str, Any]:
    return {
        "version": offer.version,
        "build": offer.build,
        "cuda": offer.cuda,
        "index": offer.index,
        "python": list(offer.pythons),
        "install": offer.install,
        "newer": None
        if offer.newer is None
        else {
            "version": offer.newer.version,
            "reason": offer.newer.reason,
            "source": offer.newer.source,
        },
    }
