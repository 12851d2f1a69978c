"""``rigspec can``: answer a question without a file."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

from rigspec.cli.common.options import FORMAT, Quiet
from rigspec.cli.common.output_file import write_text
from rigspec.cli.console import fail, print_status
from rigspec.query.answer import answer_question
from rigspec.query.gpu_page import build_gpu_page
from rigspec.query.offers import list_offers
from rigspec.query.pasted import read_pasted
from rigspec.query.question import BadQuestion, Question, Requested, parse_request, write_spec
from rigspec.query.render import (
    convert_answer,
    convert_offers,
    convert_page,
    render_answer,
    render_offers,
    render_page,
)
from rigspec.query.this_machine import read_this_machine
from rigspec.spec.loader import InvalidSpec

__all__ = ["can"]

# The longest text that is read from standard input, in characters.
_LONGEST = 1 << 20


def can(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[GPU] [REQUIREMENT]...",
            help="GPU and packages; - reads nvidia-smi or collect_env from stdin",
            show_default=False,
        ),
    ] = None,
    driver: Annotated[
        str | None, typer.Option("--driver", help="Version of the NVIDIA driver")
    ] = None,
    cuda: Annotated[
        str | None, typer.Option("--cuda", help="Version of the CUDA toolkit on the machine")
    ] = None,
    cudnn: Annotated[
        str | None, typer.Option("--cudnn", help="Version of cuDNN on the machine")
    ] = None,
    python: Annotated[str | None, typer.Option("--python", help="Python version")] = None,
    os: Annotated[str | None, typer.Option("--os", help='System, such as "ubuntu 24.04"')] = None,
    arch: Annotated[
        str | None, typer.Option("--arch", help="Architecture: x86_64 or aarch64")
    ] = None,
    host: Annotated[bool, typer.Option("--host", help="Ask about this machine")] = False,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Write the question as a spec")
    ] = None,
    format_: Annotated[Literal["text", "json"], FORMAT] = "text",
    quiet: Quiet = False,
) -> None:
    """Answer whether something runs, without a spec.

    Exits with 0 for yes, 1 for no and 2 for a question that cannot be read.

    rigspec can "RTX 5090" torch==2.4       does it run?

    rigspec can "GTX 1080" torch            which releases run?

    rigspec can "RTX 4090"                  what runs on this card?
    """
    try:
        question = _read_question(list(words or ()), host=host)
        question = replace(
            question,
            driver=driver or question.driver,
            cuda=cuda or question.cuda,
            cudnn=cudnn or question.cudnn,
            python=python or question.python,
            os=os or question.os,
            arch=arch or question.arch,
        )
        if write is not None:
            _write(write, question, quiet=quiet)
        _answer(question, format_, quiet=quiet)
    except BadQuestion as error:
        fail(str(error), status=2, help_text="see `rigspec can --help` for examples")
    except InvalidSpec as error:
        _fail_invalid(error)


def _read_question(words: list[str], *, host: bool) -> Question:
    if words[:1] == ["-"]:
        pasted = read_pasted(sys.stdin.read(_LONGEST))
        requests = tuple(map(parse_request, words[1:]))
        return replace(pasted, requests=requests or pasted.requests)
    if host:
        return replace(read_this_machine(), requests=tuple(map(parse_request, words)))
    if not words:
        raise BadQuestion("name a GPU, packages, or both")
    first = _parse_package(words[0])
    if first is not None:
        return Question(requests=(first, *map(parse_request, words[1:])))
    return Question(gpu=words[0], requests=tuple(map(parse_request, words[1:])))


def _parse_package(word: str) -> Requested | None:
    """Return the word as a package, if it is one that the matrix knows."""
    try:
        request = parse_request(word)
    except BadQuestion:
        return None
    return request if request.framework is not None else None


def _answer(question: Question, format_: str, *, quiet: bool) -> NoReturn:
    if not question.requests and question.gpu is not None:
        page = build_gpu_page(question)
        if page is not None:
            _print(format_, convert_page(page), render_page(page))
            raise typer.Exit(0)
    open_requests = [r for r in question.requests if r.version is None]
    if len(question.requests) == 1 and open_requests and open_requests[0].framework:
        offers = list_offers(question, open_requests[0])
        if offers:
            text = render_offers(question, open_requests[0], offers)
            _print(format_, convert_offers(question, open_requests[0], offers), text)
            raise typer.Exit(0)
    answer = answer_question(question)
    _print(format_, convert_answer(answer), render_answer(answer, quiet=quiet))
    raise typer.Exit(0 if answer.is_yes else 2 if answer.is_invalid else 1)


def _print(format_: str, value: dict[str, Any], text: str) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False) if format_ == "json" else text)


def _write(path: Path, question: Question, *, quiet: bool) -> None:
    try:
        write_text(path, write_spec(question), new=True)
    except FileExistsError:
        fail(f"{path} already exists", status=2, help_text="write to another file")
    print_status(f"wrote {path}", quiet=quiet)


def _fail_invalid(error: InvalidSpec) -> NoReturn:
    first, *_ = error.diagnostics
    fail(first.message, status=2, help_text=first.help[0] if first.help else None)
