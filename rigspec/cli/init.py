"""``rigspec init``: a spec to start from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, status, write_text

if TYPE_CHECKING:
    from rigspec.host.recording import Recording

__all__ = ["init"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_STDOUT = Path("-")


def init(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="Where to write it; - is standard output.")
    ] = Path("rig.toml"),
    from_host: Annotated[
        bool, typer.Option("--from-host", help="Describe this machine: its parts and software.")
    ] = False,
    from_recording: Annotated[
        Path | None,
        typer.Option(
            "--from-recording", metavar="FOLDER", help="Describe the machine that was recorded."
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            metavar="FOLDER",
            help="Write what this machine says into FOLDER, and no spec: for --from-recording.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The rig's name; else that of FILE.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Write a commented spec to start from, or the spec of a machine.

    What a machine cannot tell is left out and named, in the spec and on stderr. Nothing is changed,
    nothing needs root (as root, dmidecode tells the memory modules), and no serial numbers,
    addresses, host names or user names are read.
    """
    asked = [from_host, from_recording is not None, record is not None]
    if sum(asked) > 1:
        fail("--from-host, --from-recording and --record exclude each other", status=2)
    if record is not None:
        _record(record, force=force, quiet=quiet)
        return
    called = _called(file, name)
    # Asked first: reading a machine takes a while.
    if file != _STDOUT and not force and file.exists():
        _refuse(file)
    if from_host or from_recording is not None:
        text = _described(from_recording, called, quiet=quiet)
    else:
        text = _starter(called)
    if file == _STDOUT:
        typer.echo(text, nl=False)
        return
    try:
        write_text(file, text, new=not force)
    except FileExistsError:
        _refuse(file)
    status(f"wrote {file}; `rigspec check {file}` says whether it can exist", quiet=quiet)


def _refuse(path: Path) -> None:
    fail(f"{path} is there already; --force replaces it", status=2)


def _called(file: Path, name: str | None) -> str:
    """The name asked for; else the file's, which is not that of a folder, a user or a host."""
    if name is not None:
        if _NAME.fullmatch(name) is None:
            words = "use lower-case letters, digits, `-` and `_`, a letter first"
            fail(f"`{name}` is no name of a rig; {words}", status=2)
        return name
    return file.stem if _NAME.fullmatch(file.stem) else "rig"


def _starter(name: str) -> str:
    from importlib import resources

    text = (resources.files("rigspec.host") / "starter.toml").read_text(encoding="utf-8")
    return text.replace('"NAME"', f'"{name}"', 1)


def _described(folder: Path | None, name: str, *, quiet: bool) -> str:
    from rigspec.host.facts import host_of
    from rigspec.host.recording import record_host
    from rigspec.host.spec_writer import spec_text

    host = host_of(record_host() if folder is None else _recording(folder))
    for unread in host.unread:
        status(f"not read: {unread.part}: {unread.why}", quiet=quiet)
    return spec_text(host, name)


def _recording(folder: Path) -> Recording:
    from rigspec.host.recording import load_recording

    try:
        recording = load_recording(folder)
    except OSError as error:
        fail(f"{folder}: cannot be read: {error.strerror}", status=2)
    if not recording.texts:
        fail(f"{folder} is no recording; `rigspec init --record {folder}` makes one", status=2)
    return recording


def _record(folder: Path, *, force: bool, quiet: bool) -> None:
    from rigspec.host.recording import record_host

    if not force and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        _refuse(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{folder}: cannot be made: {error.strerror}", status=2)
    for question, text in record_host().files():
        write_text(folder / question, text)
    status(f"recorded this machine in {folder}", quiet=quiet)
