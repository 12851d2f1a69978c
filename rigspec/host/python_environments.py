"""Find the Python environments of a machine by their files, without running their programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from rigspec.host.probe import ProbeError, run_command
from rigspec.matrix.loader import find_package_owner

__all__ = ["FoundEnvironment", "find_environments", "read_environments"]

_METADATA = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*?)-([0-9][^-]*)(?:-py[^-]*)?\.(?:dist|egg)-info"
)
_CONDA_PYTHON = re.compile(r"python-([0-9]+(?:\.[0-9]+)+)-[^-]+\.json")
# Usual folders of conda distributions, in a home folder or /opt.
_BASES = ("anaconda3", "miniconda3", "miniforge3", "mambaforge", "anaconda2", "miniconda2")
# Usual folders of virtual environments: in a project, and of all projects in a home folder.
_IN_PROJECT = (".venv", "venv", "env")
_OF_ALL = (".virtualenvs", ".venvs", "venvs", ".local/share/virtualenvs", ".pyenv/versions")
# The text in the path of an interpreter that states its source; otherwise it is the system's.
_SOURCES = (
    ("/uv/python/", "uv"),
    ("/.pyenv/", "pyenv"),
    ("conda", "conda"),
    ("miniforge", "conda"),
    ("mambaforge", "conda"),
)


@dataclass(frozen=True)
class FoundEnvironment:
    """An environment; ``interpreter`` as in a spec, ``packages`` are pip and frameworks."""

    name: str
    interpreter: str
    python: str
    packages: dict[str, str]
    others: int = 0


def find_environments() -> str:
    """Return the environments of the system and the caller as JSON, without paths."""
    home = Path(os.path.expanduser("~"))
    found = [*_conda(home), *_virtual(home), *_uv(home), *_pyenv(home), *_system(home)]
    return json.dumps([asdict(env) for env in _deduplicate(found)], indent=1, sort_keys=True) + "\n"


def read_environments(text: str) -> tuple[FoundEnvironment, ...]:
    """Return the environments of a recording; raise ValueError if it is malformed."""
    if not text:
        return ()
    try:
        return tuple(_parse_environment(row) for row in json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of environments: {error}") from None


def _parse_environment(row: dict[str, object]) -> FoundEnvironment:
    packages = row["packages"]
    if not isinstance(packages, dict):
        raise TypeError("`packages` is not a table")
    versions = {str(name): str(version) for name, version in packages.items()}
    others = row.get("others", 0)
    count = others if isinstance(others, int) else 0
    return FoundEnvironment(
        str(row["name"]), str(row["interpreter"]), str(row["python"]), versions, count
    )


def _deduplicate(found: Iterable[FoundEnvironment]) -> Iterator[FoundEnvironment]:
    """Yield one environment per name; skip folders without a Python."""
    names: set[str] = set()
    for env in found:
        if env.python and env.name not in names:
            names.add(env.name)
            yield env


def _conda(home: Path) -> Iterator[FoundEnvironment]:
    bases = [folder / name for folder in (home, Path("/opt")) for name in _BASES]
    bases.append(Path("/opt/conda"))
    prefixes = [*bases, *(env for base in bases for env in _folders(base / "envs"))]
    for line in _lines(home / ".conda" / "environments.txt"):
        prefixes.append(Path(line))
    for prefix in dict.fromkeys(prefixes):
        python = next(
            (
                m[1]
                for name in _names(prefix / "conda-meta")
                if (m := _CONDA_PYTHON.fullmatch(name))
            ),
            "",
        )
        name = "base" if (prefix / "condabin").exists() else prefix.name
        yield _environment(name, "conda", python, prefix)


def _pyenv(home: Path) -> Iterator[FoundEnvironment]:
    for prefix in _folders(home / ".pyenv" / "versions"):
        if re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", prefix.name):
            yield _environment(f"pyenv-{prefix.name}", "pyenv", prefix.name, prefix)


def _uv(home: Path) -> Iterator[FoundEnvironment]:
    """Yield the interpreters that uv installed, with packages that are in none of its projects."""
    for prefix in _folders(home / ".local" / "share" / "uv" / "python"):
        named = re.fullmatch(r"cpython-([0-9]+\.[0-9]+\.[0-9]+)-linux-.+", prefix.name)
        if named is not None:
            yield _environment(f"uv-{named[1]}", "uv", named[1], prefix)


def _virtual(home: Path) -> Iterator[FoundEnvironment]:
    """Yield the virtual environments of the caller's projects: of venv, virtualenv and uv."""
    active = os.environ.get("VIRTUAL_ENV")
    current = Path.cwd()
    # The folders of projects, and folders of such folders.
    visible = [folder for folder in _folders(home) if not folder.name.startswith(".")]
    inner = [each for folder in visible for each in _folders(folder)]
    prefixes = [Path(active)] if active else []
    prefixes += [
        folder / name for folder in (current, home, *visible, *inner) for name in _IN_PROJECT
    ]
    prefixes += [each for name in _OF_ALL for each in _folders(home / name)]
    for prefix in dict.fromkeys(prefixes):
        settings = _virtual_settings(prefix)
        version = settings.get("version_info") or settings.get("version", "")
        python = re.match(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?", version)
        if python is not None:
            at = f"{settings.get('home', '')}/"
            kind = next((kind for text, kind in _SOURCES if text in at), "system")
            in_project = prefix.name in _IN_PROJECT
            name = prefix.parent.name if in_project else prefix.name
            yield _environment(name or "venv", kind, python[0], prefix)


def _virtual_settings(prefix: Path) -> dict[str, str]:
    """Return the keys of the file that makes a folder a virtual environment."""
    pairs = (line.partition("=") for line in _lines(prefix / "pyvenv.cfg"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def _system(home: Path) -> Iterator[FoundEnvironment]:
    """Yield the system's Pythons, with packages that pip installed for the user and for all."""
    for program, name in (("/usr/bin/python3", "system"), ("/usr/bin/python2", "system-2")):
        try:
            output = run_command((program, "-I" if program.endswith("3") else "-E", "-V"))
        except ProbeError:
            continue
        version = output.removeprefix("Python ").strip()
        yield _environment(name, "system", version, home / ".local", Path("/usr/local"))


def _environment(name: str, kind: str, python: str, *prefixes: Path) -> FoundEnvironment:
    """Return an environment with the packages that the names of its metadata folders state."""
    series = ".".join(python.split(".")[:2])
    libraries = [prefix / "lib" / f"python{series}" for prefix in prefixes]
    found: dict[str, str] = {}
    for folder in (at / each for at in libraries for each in ("site-packages", "dist-packages")):
        for entry in _names(folder):
            named = _METADATA.fullmatch(entry)
            if named is not None:
                found.setdefault(str(canonicalize_name(named[1])), named[2])
    relevant = {
        n: v for n, v in sorted(found.items()) if n == "pip" or find_package_owner(n) is not None
    }
    return FoundEnvironment(name, kind, python, relevant, len(found) - len(relevant))


def _folders(folder: Path) -> list[Path]:
    return [folder / name for name in _names(folder) if (folder / name).is_dir()]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").split("\n")[:1000]
    except OSError:
        return []
