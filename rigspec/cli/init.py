"""``rigspec init``: write a spec to start from."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from rigspec.cli.common.options import Quiet
from rigspec.cli.common.output_file import write_text
from rigspec.cli.console import fail, print_status
from rigspec.host.facts import find_host
from rigspec.host.recording import Recording, load_recording, record_host
from rigspec.host.spec_writer import render_spec
from rigspec.spec.json_schema import SCHEMA_URL

__all__ = ["init"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_STDOUT = Path("-")


# The architectures that a spec can have.
_SUPPORTED = ("x86_64", "aarch64")


def init(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File to write, or - for stdout")
    ] = Path("rig.toml"),
    from_host: Annotated[
        bool, typer.Option("--from-host", help="Describe this machine: hardware and software")
    ] = False,
    from_recording: Annotated[
        Path | None,
        typer.Option("--from-recording", metavar="DIR", help="Describe a recorded machine"),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            metavar="DIR",
            help="Record this machine for --from-recording, write no spec",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the rig (default: that of FILE)"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a commented spec, or the spec of an existing machine.

    Values that cannot be detected are listed in the spec and on stderr. The machine is not changed,
    and no root privileges are needed; as root, memory modules are detected too. Serial numbers,
    addresses, host names and user names are not read.
    """
    if sum([from_host, from_recording is not None, record is not None]) > 1:
        fail("--from-host, --from-recording and --record are mutually exclusive", status=2)
    if record is not None:
        _record(record, force=force, quiet=quiet)
        return
    rig_name = _rig_name(file, name)
    # Checked first, because probing a machine takes a while.
    if file != _STDOUT and not force and file.exists():
        _fail_exists(file)
    if from_host or from_recording is not None:
        text = _describe_host(from_recording, rig_name, quiet=quiet)
    else:
        text = _starter(rig_name)
    # Editors complete and check the keys by this line: Taplo's directive.
    text = f"#:schema {SCHEMA_URL}\n{text}"
    if file == _STDOUT:
        typer.echo(text, nl=False)
        return
    try:
        write_text(file, text, new=not force)
    except FileExistsError:
        _fail_exists(file)
    print_status(f"wrote {file}; next: `rigspec check {file}`", quiet=quiet)


def _fail_exists(path: Path) -> NoReturn:
    fail(f"{path} already exists", status=2, help_text="replace it with --force")


def _rig_name(file: Path, name: str | None) -> str:
    """Return the requested name, else the file's; never that of a folder, user or host."""
    if name is None:
        return file.stem if _NAME.fullmatch(file.stem) else "rig"
    if _NAME.fullmatch(name) is None:
        fail(
            f"invalid rig name `{name}`",
            status=2,
            help_text="start with a letter and use lower-case letters, digits, `-` and `_`",
        )
    return name


def _starter(name: str) -> str:
    text = (resources.files("rigspec.host") / "starter.toml").read_text(encoding="utf-8")
    return text.replace('"NAME"', f'"{name}"', 1)


def _describe_host(recording: Path | None, name: str, *, quiet: bool) -> str:
    host = find_host(record_host() if recording is None else _load_recording(recording))
    architecture = host.processor.architecture if host.processor is not None else None
    if architecture not in (None, *_SUPPORTED):
        known = " and ".join(_SUPPORTED)
        fail(
            f"this machine is {architecture}, but a rig can describe {known} machines only",
            status=1,
        )
    for missing in host.unread:
        print_status(f"not detected: {missing.part} ({missing.why})", quiet=quiet)
    return render_spec(host, name)


def _load_recording(folder: Path) -> Recording:
    try:
        recording = load_recording(folder)
    except OSError as error:
        fail(f"cannot read {folder}: {error.strerror}", status=2)
    if not recording.texts:
        fail(
            f"{folder} does not contain a recording",
            status=2,
            help_text=f"create one with `rigspec init --record {folder}`",
        )
    return recording


def _record(folder: Path, *, force: bool, quiet: bool) -> None:
    if not force and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        _fail_exists(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"cannot create {folder}: {error.strerror}", status=2)
    for name, text in record_host().files():
        write_text(folder / name, text)
    print_status(f"recorded this machine in {folder}", quiet=quiet)
