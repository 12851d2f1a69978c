"""The command line in the process of the tests: a start of Python costs half of a short test."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rigspec.cli.main import main

__all__ = ["run_in_process"]

# The working folder, the environment and the standard streams are the process's.
_ONE_AT_A_TIME = threading.Lock()


def run_in_process(
    command: Sequence[str], settings: Mapping[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run a command like ``subprocess.run(command, **settings)``, without another process."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), "utf-8") for name in ("stdout", "stderr")}
    streams["stdin"] = io.TextIOWrapper(io.BytesIO(_encode(settings.get("input"))), "utf-8")
    with _ONE_AT_A_TIME, _process_state(command, settings, streams):
        code = _exit_code()
    texts = [_read(streams[name], text=settings["text"]) for name in ("stdout", "stderr")]
    done = subprocess.CompletedProcess(list(command), code, *texts)
    if settings.get("check"):
        done.check_returncode()
    return done


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


@contextmanager
def _process_state(
    command: Sequence[str], settings: Mapping[str, Any], streams: Mapping[str, io.TextIOWrapper]
) -> Iterator[None]:
    folder, environment, arguments = Path.cwd(), dict(os.environ), sys.argv
    before = {name: getattr(sys, name) for name in streams}
    try:
        os.chdir(settings["cwd"] or folder)
        if settings.get("env") is not None:
            _replace_environment(settings["env"])
        sys.argv = ["rigspec", *command[3:]]
        for name, stream in streams.items():
            setattr(sys, name, stream)
        yield
    finally:
        for name, stream in before.items():
            setattr(sys, name, stream)
        sys.argv = arguments
        _replace_environment(environment)
        os.chdir(folder)


def _replace_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update({name: os.fspath(value) for name, value in environment.items()})


def _encode(text: str | bytes | None) -> bytes:
    return text.encode() if isinstance(text, str) else text or b""


def _read(stream: io.TextIOWrapper, *, text: bool) -> Any:
    stream.flush()
    data = stream.buffer.getvalue()  # type: ignore[attr-defined]
    return data.decode() if text else data
