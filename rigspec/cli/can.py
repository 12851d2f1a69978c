"""``rigspec can``: answer a question without a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from rigspec.cache.store import get_entry_path, load_entry, store_entry
from rigspec.cli.common.completion import complete_question
from rigspec.cli.common.options import FORMAT, Quiet

__all__ = ["can"]


def can(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="GPU|REQUIREMENT",
            help="GPU or instance, and packages; - reads nvidia-smi or collect_env from stdin",
            autocompletion=complete_question,
            show_default=False,
        ),
    ] = None,
    driver: Annotated[
        str | None, typer.Option("--driver", metavar="VERSION", help="Version of the NVIDIA driver")
    ] = None,
    cuda: Annotated[
        str | None,
        typer.Option(
            "--cuda", metavar="VERSION", help="Version of the CUDA toolkit on the machine"
        ),
    ] = None,
    cudnn: Annotated[
        str | None,
        typer.Option("--cudnn", metavar="VERSION", help="Version of cuDNN on the machine"),
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", metavar="VERSION", help="Python version")
    ] = None,
    os: Annotated[
        str | None, typer.Option("--os", metavar="NAME", help='System, such as "ubuntu 24.04"')
    ] = None,
    arch: Annotated[
        str | None, typer.Option("--arch", metavar="NAME", help="Architecture: x86_64 or aarch64")
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

    \b
    rigspec can "RTX 5090" torch==2.4   does it run?
    rigspec can "GTX 1080" torch        which releases run?
    rigspec can vllm on g6.xlarge       does it run there?
    rigspec can "RTX 4090"              what runs on it?
    """  # noqa: D301 -- \b keeps the lines of the examples
    options = {
        "driver": driver,
        "cuda": cuda,
        "cudnn": cudnn,
        "python": python,
        "os": os,
        "arch": arch,
    }
    words = list(words or ())
    # The machine and standard input are read each time.
    is_stable = not host and write is None and "-" not in words
    key = json.dumps([words, options, format_, quiet])
    file = get_entry_path("can", key.encode()) if is_stable else None
    answer = _load(file) if file is not None else None
    if answer is None:
        # Imported here: a stored answer needs neither the models nor the solver.
        from rigspec.cli.common.uncached_answer import answer_words

        answer = answer_words(words, options, host=host, write=write, format_=format_, quiet=quiet)
        if file is not None:
            store_entry(file, json.dumps(answer))
    status, text = answer
    typer.echo(text)
    raise typer.Exit(status)


def _load(file: Path) -> tuple[int, str] | None:
    text = load_entry(file)
    try:
        status, answer = json.loads(text) if text is not None else (None, None)
    except (TypeError, ValueError):
        return None
    return (status, answer) if isinstance(status, int) and isinstance(answer, str) else None
