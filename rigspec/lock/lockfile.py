"""A lock as files, and back.

``rig.lock`` is TOML. Its first entry is the sha256 of the rest, and it contains the sha256 of
every other file; the manifest, where there is one, must list the same files. One changed byte
anywhere is detected.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.fs.atomic_tree import MANIFEST, OutputFile, build_manifest, escapes_root
from rigspec.lock.conda.explicit_list import format_explicit_list, parse_explicit_list
from rigspec.lock.migration import VERSION, find_version, migrate
from rigspec.lock.model import Lock, LockedChannelPackage, LockedConda, LockedPythonPackage
from rigspec.lock.python.requirements_file import format_requirements, parse_requirements
from rigspec.spec.validation.quick import validate_dataclass

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "CorruptLock",
    "NewerLock",
    "NoLock",
    "UnusableLock",
    "describe_validation_error",
    "lock_files",
    "read_lock",
]

_NAME = "rig.lock"
_HEADER = "# Written by `rigspec lock`: do not edit. Run `rigspec lock` to update it.\n"
# The header of locks that were written before 2026-11-28.
_OLD_HEADER = "# Written by `rigspec lock`: do not edit. `rigspec lock` makes it anew.\n"
_VERSION_LINE = re.compile(rb"(?m)^version = ([0-9]{1,9})$")
# The packages of an environment, and their part in the file.
_PACKAGES = {"packages": "requirements", "tools": "tools"}
# The file of the packages of a separate build, by its number.
_BUILD_FILE = "{}.build-{}.tools.txt"
# A part of an environment that is a separate file, and the file's name.
_FILES = {
    "requirements": "{}.requirements.txt",
    "tools": "{}.tools.txt",
    "conda_lock": "{}.conda-lock.yml",
    "explicit": "{}.explicit.txt",
    "pylock": "pylock.{}.toml",  # the name that PEP 751 requires
}


class UnusableLock(Exception):
    """The folder has no lock that can be read; see ``diagnostic``."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class NoLock(UnusableLock):
    """There is no lock in the folder."""

    def __init__(self, directory: Path) -> None:
        help_text = "create one with `rigspec lock`, or set its folder with `--lock`"
        super().__init__(
            Diagnostic("RS501", Severity.ERROR, f"no lock in {directory}", help=(help_text,))
        )


class CorruptLock(UnusableLock):
    """The lock was changed; ``diagnostic`` names the file."""

    def __init__(self, file: Path, why: str) -> None:
        help_text = "restore it from version control, or create the lock again with `rigspec lock`"
        super().__init__(_diagnostic("RS503", file, why, help_text))


class NewerLock(UnusableLock):
    """The lock was written by a newer release."""

    def __init__(self, file: Path, version: int) -> None:
        why = f"has format {version}, but this release of rigspec reads formats up to {VERSION}"
        super().__init__(_diagnostic("RS508", file, why, "update rigspec"))


def _diagnostic(code: str, file: Path, why: str, help_text: str) -> Diagnostic:
    spans = (Span(str(file), 1, 1, 1, 2),)
    return Diagnostic(code, Severity.ERROR, f"{file} {why}", spans=spans, help=(help_text,))


def lock_files(lock: Lock) -> tuple[OutputFile, ...]:
    """Return the files of a lock, ``rig.lock`` first."""
    import tomlkit

    content: dict[str, Any] = {"version": find_version(lock)}
    content |= _get_adapter().dump_python(lock, mode="json", exclude_none=True)
    companions: dict[str, bytes] = {}
    for machine in content["machines"]:
        for env in machine.get("envs", ()):
            folder = _folder(machine["resolution"].get("machine"))
            builds = env.pop("builds")
            _write_packages(env)
            for part, name in _FILES.items():
                data = env.pop(part).encode()
                if data:
                    env[part] = _keep(companions, folder + name.format(env["name"]), data)
            for number, build in enumerate(builds, 1):
                tools = format_requirements(LockedPythonPackage(**e) for e in build["tools"])
                path = folder + _BUILD_FILE.format(env["name"], number)
                build["tools"] = _keep(companions, path, tools.encode())
            if builds:
                env["builds"] = builds
    body = tomlkit.dumps(content, sort_keys=False)
    digest = hashlib.sha256(body.encode()).hexdigest()
    text = f'{_HEADER}content_sha256 = "{digest}"\n{body}'
    files = [OutputFile(_NAME, text.encode())]
    files += [OutputFile(path, companions[path]) for path in sorted(companions)]
    return tuple(files)


def read_lock(directory: Path) -> tuple[Lock, str]:
    """Return the lock in a folder, and the sha256 of its ``rig.lock``.

    Raises UnusableLock: NoLock, CorruptLock or NewerLock.
    """
    import tomli

    file = directory / _NAME
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise NoLock(directory) from None
    except OSError as error:
        raise CorruptLock(file, f"cannot be read: {error.strerror}") from None
    _refuse_newer(file, data)
    body = _verify(file, data)
    try:
        content = tomli.loads(body.decode())
        version = content.pop("version")
        why = describe_validation_error(content)
        if why is not None:
            raise CorruptLock(file, why)
        for machine in content["machines"]:
            # TOML has no word for nothing: a rig without machines has a nameless one.
            machine["resolution"].setdefault("machine", None)
        files = [OutputFile(_NAME, data)]
        for env in _envs(content):
            for part in filter(env.__contains__, _FILES):
                files.append(_companion(directory, env[part]))
                env[part] = files[-1].content.decode()
            _read_packages(env)
            for build in env.get("builds", ()):
                files.append(_companion(directory, build["tools"]))
                build["tools"] = parse_requirements(files[-1].content.decode())
        migrate(content, version)
        lock = validate_dataclass(Lock, content) or _get_adapter().validate_python(content)
    # An error of pydantic is a ValueError.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CorruptLock(file, "is not a lock") from None
    manifest = directory / MANIFEST
    if manifest.exists() and manifest.read_bytes() != build_manifest(files):
        raise CorruptLock(manifest, "does not match the lock")
    return lock, hashlib.sha256(data).hexdigest()


@cache
def _get_adapter() -> TypeAdapter[Lock]:
    """Return what dumps locks and validates unusual ones; building it is slow."""
    from pydantic import TypeAdapter

    return TypeAdapter(Lock)


def _folder(machine: str | None) -> str:
    return f"{machine}/" if machine is not None else ""


def _keep(companions: dict[str, bytes], path: str, data: bytes) -> dict[str, str]:
    """Add a file to the companions, and return its entry in ``rig.lock``."""
    companions[path] = data
    return {"file": path, "sha256": hashlib.sha256(data).hexdigest()}


def _write_packages(env: dict[str, Any]) -> None:
    """Replace the packages of an environment by the texts of its files."""
    for key in ("build_needs", "build_variables"):
        if not env[key]:
            del env[key]
    conda = env.pop("conda", None)
    env["explicit"] = format_explicit_list(_build_conda(conda)) if conda is not None else ""
    packages = {key: [LockedPythonPackage(**each) for each in env.pop(key)] for key in _PACKAGES}
    sources = [package.name for package in packages["packages"] if package.from_source]
    if sources:
        env["sources"] = sources
    for key, part in _PACKAGES.items():
        env[part] = format_requirements(packages[key])


def _build_conda(values: Mapping[str, Any]) -> LockedConda:
    packages = (LockedChannelPackage(**each) for each in values["packages"])
    return LockedConda(values["platform"], tuple(packages))


def _read_packages(env: dict[str, Any]) -> None:
    """Replace the texts of the files of an environment by its packages."""
    explicit = env.pop("explicit", "")
    if explicit:
        env["conda"] = parse_explicit_list(explicit)
    sources = env.pop("sources", ())
    texts = {key: env.pop(part) for key, part in _PACKAGES.items()}
    for key, text in texts.items():
        env[key] = parse_requirements(text, sources)


def _refuse_newer(file: Path, data: bytes) -> None:
    """Raise NewerLock before the digest is verified, which a newer release may write otherwise."""
    found = _VERSION_LINE.search(data)
    if found is not None and int(found[1]) > VERSION:
        raise NewerLock(file, int(found[1]))


def _verify(file: Path, data: bytes) -> bytes:
    """Return the text after the digest, verified."""
    old = data.startswith(_OLD_HEADER.encode())
    header = (_OLD_HEADER if old else _HEADER).encode()
    line, _, body = data.removeprefix(header).partition(b"\n")
    expected = f'content_sha256 = "{hashlib.sha256(body).hexdigest()}"'.encode()
    if not data.startswith(header) or line != expected:
        if b"\r\n" in data:
            raise CorruptLock(
                file, "has Windows line ends (CRLF), which git writes if autocrlf is on"
            )
        raise CorruptLock(file, "was changed after it was written")
    return body


def _envs(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for machine in content["machines"]:
        yield from machine.get("envs", ())


def _companion(directory: Path, entry: Mapping[str, str]) -> OutputFile:
    file = directory / entry["file"]
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CorruptLock(file, f"cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise CorruptLock(file, "was changed after it was written")
    return OutputFile(entry["file"], data)


_BUILD_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*=[A-Za-z0-9_.]*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_VALID_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# The name of a package of dnf may have capital letters and underscores.
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*[A-Za-z0-9+.](?::[a-z0-9]+)?")


def describe_validation_error(content: Mapping[str, Any]) -> str | None:
    """Return why the content of a ``rig.lock`` is invalid; None where it is valid."""
    for text in _strings(content):
        if _CONTROL.search(text):
            return "holds a control character"
    for machine in content["machines"]:
        for env in machine.get("envs", ()):
            for variable in env.get("build_variables", ()):
                if _BUILD_VARIABLE.fullmatch(variable) is None:
                    return f"sets a variable by {variable!a}"
        for name in _names(machine):
            if _VALID_NAME.fullmatch(name) is None:
                return f"names something {name!a}"
        for package in machine.get("packages", ()):
            if _PACKAGE.fullmatch(package["name"]) is None:
                return f"has a package called {package['name']!a}"
        for path in _files(machine):
            if escapes_root(path):
                return f"names {path!a}, which leads out of its folder"
    return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from _strings(below)
    elif isinstance(value, list):
        for below in value:
            yield from _strings(below)


def _names(machine: Mapping[str, Any]) -> Iterator[str]:
    if "machine" in machine["resolution"]:
        yield machine["resolution"]["machine"]
    for env in (*machine.get("envs", ()), *machine["resolution"].get("envs", ())):
        yield env["name"]


def _files(machine: Mapping[str, Any]) -> Iterator[str]:
    for env in machine.get("envs", ()):
        for part in (*env.values(), *(build["tools"] for build in env.get("builds", ()))):
            if isinstance(part, dict) and "file" in part:
                yield part["file"]
        for settings in env.get("settings", ()):
            yield settings["path"]
    for file in machine.get("files", ()):
        # Below the folder of downloads, under this very name.
        yield file["name"] if "/" not in file["name"] else "../" + file["name"]
