"""The answer to a question of ``rigspec can`` that is not stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from rigspec.cli.common.output_file import write_text
from rigspec.cli.console import fail, print_status
from rigspec.query.answer import answer_question
from rigspec.query.gpu_page import build_gpu_page
from rigspec.query.libraries import complete_libraries
from rigspec.query.offers import list_offers
from rigspec.query.pasted import read_pasted
from rigspec.query.question import BadQuestion, Question, write_spec
from rigspec.query.render import (
    convert_answer,
    convert_offers,
    convert_page,
    render_answer,
    render_offers,
    render_page,
)
from rigspec.query.this_machine import read_this_machine
from rigspec.query.words import read_words, read_words_about
from rigspec.spec.loader import InvalidSpec

__all__ = ["answer_words"]

# The longest text that is read from standard input, in characters.
_LONGEST = 1 << 20


def answer_words(
    words: Sequence[str],
    options: Mapping[str, str | None],
    *,
    host: bool,
    write: Path | None,
    format_: str,
    quiet: bool,
) -> tuple[int, str]:
    """Return the exit status and the text of the answer; exit with 2 for a bad question.

    Args:
        words: a GPU and requirements, or ``-``.
        options: fields of the question that replace those of the words.
        host: ask about this machine.
        write: the file to write the question to, as a spec.
        format_: ``text`` or ``json``.
        quiet: leave out warnings.
    """
    try:
        question = _read_question(list(words), host=host)
        given: dict[str, Any] = {
            name: value for name, value in options.items() if value is not None
        }
        question = replace(question, **given)
        if write is not None:
            _write(write, question, quiet=quiet)
        status, value, text = _answer(question, quiet=quiet)
    except BadQuestion as error:
        fail(str(error), status=2, help_text="see `rigspec can --help` for examples")
    except InvalidSpec as error:
        _fail_invalid(error)
    return status, json.dumps(value, indent=2, ensure_ascii=False) if format_ == "json" else text


def _read_question(words: list[str], *, host: bool) -> Question:
    if words[:1] == ["-"]:
        pasted = read_pasted(sys.stdin.read(_LONGEST))
        question = read_words_about(pasted, words[1:])
        return question if question.requests else replace(question, requests=pasted.requests)
    if host:
        return read_words_about(read_this_machine(), words)
    return read_words(words)


def _answer(question: Question, *, quiet: bool) -> tuple[int, dict[str, Any], str]:
    if question.is_only_gpu:
        page = build_gpu_page(question)
        if page is not None:
            return 0, convert_page(page), render_page(page)
    open_requests = [r for r in question.requests if r.version is None]
    if len(question.requests) == 1 and open_requests and open_requests[0].framework:
        offers = list_offers(question, open_requests[0])
        if offers:
            text = render_offers(open_requests[0], offers, quiet=quiet)
            return 0, convert_offers(question, open_requests[0], offers), text
    answer = answer_question(complete_libraries(question))
    status = 0 if answer.is_yes else 2 if answer.is_invalid else 1
    return status, convert_answer(answer), render_answer(answer, quiet=quiet)


def _write(path: Path, question: Question, *, quiet: bool) -> None:
    try:
        write_text(path, write_spec(question), new=True)
    except FileExistsError:
        fail(f"{path} already exists", status=2, help_text="write to another file")
    print_status(f"wrote {path}", quiet=quiet)


def _fail_invalid(error: InvalidSpec) -> NoReturn:
    first, *_ = error.diagnostics
    fail(first.message, status=2, help_text=first.help[0] if first.help else None)
