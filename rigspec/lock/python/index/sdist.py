"""The metadata of a source archive, read without running it."""

from __future__ import annotations

import ast
import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Any

import tomli

__all__ = [
    "CPU_FALLBACK",
    "MOST_MEMBER",
    "SdistMetadata",
    "describe_build",
    "read_archive",
    "read_sdist",
]

# Bytes of a file of metadata, and of a whole archive when it is unpacked.
MOST_MEMBER = 16 << 20
_MOST_UNPACKED = 4 << 30

_BUILD = "pyproject.toml"
_SETUP = "setup.py"

# Languages of extension modules, by the ends of file names.
CPU_FALLBACK = "cpu-fallback"
_ENDS = {
    "c": (".c", ".cc", ".cpp", ".cxx", ".pyx"),
    "cuda": (".cu",),
    "fortran": (".f", ".f77", ".f90"),
    "rust": ("/Cargo.toml",),
}
# Cargo takes the crates of the one, and downloads none with the other.
_CRATES = ("/Cargo.lock", "/.cargo/config.toml")
# Signs of a build that compiles them: without one, a source file is data or a test.
_COMPILES = re.compile(
    r"ext_modules|Extension\(|cythonize|RustExtension|CMakeExtension"
    r"|mesonpy|scikit_build_core|skbuild|maturin|setuptools_rust"
)
# Signs that a build runs a Rust compiler: an archive can have a crate that its build leaves out.
_COMPILES_RUST = re.compile(r"maturin|setuptools[-_]rust|RustExtension")
# An extension that the package can do without: its build continues when no compiler is there.
_OPTIONAL = re.compile(
    r"optional\s*=\s*True|BuildFailed|ext_errors|class \w+build_ext\(|with_libyaml|Feature\("
    # fairscale compiles nothing unless the variable is set.
    r"|(?:getenv|environ\.get)\(\s*[\"']BUILD_[A-Z_]+[\"'],\s*[\"']0[\"']\)"
)
# A build for the CPU if the machine has no GPU: torch-scatter, mmcv, natten, deepspeed.
_FITS_MACHINE = re.compile(r"cuda\.is_available\(|get_accelerator\(")
# https://setuptools.pypa.io/en/latest/history.html, read on 2026-11-28
_REMOVED_FROM_SETUPTOOLS = (
    ("use_2to3", "<58"),
    ("build_py_2to3", "<58"),
    ("setup_requires", "<81"),
    ("pkg_resources", "<82"),
)
_SETUP_REQUIRES = re.compile(r"setup_requires\s*=\s*\[([^\]]*)\]")
# Packages that setup.py requires only where they are installed while it runs.
_IF_INSTALLED = re.compile(r"(?:get|find_any)_distribution\(\s*\[?([^\])]*)")
# Functions that return the list that they are given.
_COPIES = frozenset({"list", "set", "sorted", "tuple"})
_QUOTED = re.compile(r"[\"']([A-Za-z0-9._-]+)[\"']")
_REQUIRED_NAME = re.compile(r"[A-Za-z0-9._-]+")
_NOT_BUILT = re.compile(r"(?:^|/)(?:tests?|docs?|examples?|benchmarks?|samples?)/")


@dataclass(frozen=True)
class SdistMetadata:
    """The run-time requirements of a source archive, and those of its build, as written.

    ``computes_requirements`` is true if setup.py computes those of its build. ``languages`` are
    those of its extension modules: ``c``, ``cuda``, ``fortran``, ``rust``, and ``CPU_FALLBACK`` if
    it compiles no CUDA on a machine without a GPU. ``is_stub`` is true if its build downloads a
    wheel from NVIDIA's index, and ``has_open_crates`` if it downloads crates at any version.
    """

    runs_with: tuple[str, ...] = ()
    built_with: tuple[str, ...] = ()
    computes_requirements: bool = False
    languages: frozenset[str] = frozenset()
    is_stub: bool = False
    has_open_crates: bool = False


def read_sdist(name: str, data: bytes) -> SdistMetadata:
    """Return the metadata of the archive of that name.

    Raises what the modules of archives raise for a damaged one.
    """
    names, texts = read_archive(name, data, _has_metadata)
    return describe_build(names, texts)


def read_archive(
    name: str, data: bytes, wanted: Callable[[str], bool]
) -> tuple[list[str], dict[str, str]]:
    """Return the names in an archive, and the texts of wanted members, short names first.

    Raises what the modules of archives raise for a damaged one.
    """
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            entries = [m for m in archive.infolist() if wanted(m.filename)]
            if any(entry.file_size > MOST_MEMBER for entry in entries):
                raise zipfile.BadZipFile("its metadata is too large")
            texts = {entry.filename: archive.read(entry) for entry in entries}
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            names, texts = [], {}
            for member in _list_members(tar, wanted):
                names.append(member.name)
                # Read at once: to go back in a compressed archive is to read it again.
                if member.isfile() and wanted(member.name):
                    texts[member.name] = (tar.extractfile(member) or io.BytesIO()).read()
    return names, {n: texts[n].decode("utf-8", "replace") for n in sorted(texts, key=len)}


def describe_build(names: Iterable[str], texts: Mapping[str, str]) -> SdistMetadata:
    """Return the metadata of an archive with these names and files of metadata."""
    names = tuple(names)
    languages = frozenset(_languages(names, texts))
    return SdistMetadata(
        tuple(_runs_with(texts)),
        tuple(_built_with(texts)),
        _setup_requires(_setup_text(texts)) is None,
        languages,
        _is_stub(texts),
        "rust" in languages and not any(name.endswith(_CRATES) for name in names),
    )


def _list_members(tar: tarfile.TarFile, wanted: Callable[[str], bool]) -> Iterator[tarfile.TarInfo]:
    """Yield the members of an archive, but not of one that unpacks to far more than any has."""
    for member in tar:
        if member.offset_data + member.size > _MOST_UNPACKED:
            raise tarfile.ReadError(f"it unpacks to more than {_MOST_UNPACKED >> 30} GiB")
        if wanted(member.name) and member.size > MOST_MEMBER:
            raise tarfile.ReadError("its metadata is too large")
        yield member


def _has_metadata(name: str) -> bool:
    parts = name.split("/")
    if parts[-1] == "requires.txt" and parts[-2].endswith(".egg-info"):
        return True
    return parts[-1] in ("PKG-INFO", _BUILD, _SETUP) and len(parts) == 2


def _runs_with(texts: Mapping[str, str]) -> list[str]:
    for name, text in texts.items():
        if name.endswith("requires.txt"):
            there = set(_names_if_installed(_setup_text(texts)))
            found = [(_REQUIRED_NAME.match(line), line) for line in _egg_requirements(text)]
            # The archive lists what its author had installed.
            return [line for named, line in found if named is None or named[0] not in there]
    for name, text in texts.items():
        if name.endswith("PKG-INFO"):
            return HeaderParser().parsestr(text).get_all("Requires-Dist") or []
    # An sdist this old has its requirements in setup.py alone, which is never run here.
    return []


def _names_if_installed(setup: str) -> Iterator[str]:
    """Yield the packages that setup.py adds to its requirements if they are installed.

    An environment that is built from nothing has none of them.
    """
    if "install_requires.append" in setup:
        for call in _IF_INSTALLED.finditer(setup):
            yield from _QUOTED.findall(call[1])


def _built_with(texts: Mapping[str, str]) -> list[str]:
    """Return PEP 518's list; without one, setuptools and wheel build it."""
    for name, text in texts.items():
        if name.endswith(_BUILD):
            try:
                table: Any = tomli.loads(text).get("build-system")
            except tomli.TOMLDecodeError:
                return list(_legacy_tools(texts))
            named = table.get("requires") if isinstance(table, dict) else None
            if named is not None:
                return [each for each in named if isinstance(each, str)]
    return list(_legacy_tools(texts))


def _legacy_tools(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the tools of a build that names none, at releases that still have what it uses."""
    setup = _setup_text(texts)
    last = next((version for sign, version in _REMOVED_FROM_SETUPTOOLS if sign in setup), "")
    yield f"setuptools{last}"
    yield "wheel"
    yield from _setup_requires(setup) or ()


def _is_stub(texts: Mapping[str, str]) -> bool:
    build = next((text for name, text in texts.items() if name.endswith(_BUILD)), "")
    return "wheel_stub.buildapi" in build or "pypi.nvidia.com" in _setup_text(texts)


def _setup_text(texts: Mapping[str, str]) -> str:
    return next((text for name, text in texts.items() if name.endswith(_SETUP)), "")


def _setup_requires(setup: str) -> list[str] | None:
    """Return the requirements that setup.py names itself; None where it computes them.

    setuptools would download what is missing without a checksum. Of an expression with conditions
    every requirement is returned.
    """
    if "setup_requires" not in setup:
        return []
    try:
        tree = ast.parse(setup)
    except SyntaxError:  # written for Python 2
        written = _SETUP_REQUIRES.search(setup)
        return re.findall(r"[\"']([^\"']+)[\"']", written[1]) if written else None
    given = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "setup_requires"
    ]
    lists = _WrittenLists(tree)
    found = [text for value in given for text in lists.read(value)]
    return None if lists.is_computed and not found else found


class _WrittenLists:
    """The texts in the lists of a program that is not run.

    ``is_computed`` is true if a part of those that were read is the result of a call.
    """

    def __init__(self, tree: ast.AST) -> None:
        self.is_computed = False
        self._seen: set[str] = set()
        self._assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if not isinstance(node, (ast.Assign, ast.AugAssign)):
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    self._assigned.setdefault(target.id, []).append(node.value)

    def read(self, value: ast.expr) -> Iterator[str]:
        """Yield the texts of an expression: of a condition, those of all its branches."""
        parts: list[ast.expr] = []
        if isinstance(value, ast.Constant):
            yield from [value.value] if isinstance(value.value, str) else []
        elif isinstance(value, (ast.List, ast.Tuple, ast.Set)):
            parts = value.elts
        elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            parts = [value.left, value.right]
        elif isinstance(value, ast.IfExp):
            parts = [value.body, value.orelse]
        elif isinstance(value, ast.BoolOp):
            parts = value.values
        elif isinstance(value, ast.Starred):
            parts = [value.value]
        elif isinstance(value, ast.Name) and value.id in self._assigned:
            # A name adds nothing if it is read once more, as in its own value.
            parts = self._assigned[value.id] if value.id not in self._seen else []
            self._seen.add(value.id)
        elif isinstance(value, ast.Call) and ast.unparse(value.func) in _COPIES:
            parts = value.args
        else:
            self.is_computed = True
        for part in parts:
            yield from self.read(part)


def _languages(names: Iterable[str], texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the languages that the build of an archive compiles."""
    build = "".join(text for name, text in texts.items() if name.endswith((_SETUP, _BUILD)))
    if not _COMPILES.search(build) or _OPTIONAL.search(build):
        return
    sources = [name for name in names if not _NOT_BUILT.search(name)]
    found = {language for language, ends in _ENDS.items() if any(n.endswith(ends) for n in sources)}
    if not _COMPILES_RUST.search(build):
        found.discard("rust")
    if "CUDAExtension" in build:
        found.add("cuda")
    if "cuda" in found and _FITS_MACHINE.search(build):
        found.add(CPU_FALLBACK)
    yield from found


def _egg_requirements(text: str) -> Iterator[str]:
    """Setuptools' requires.txt: sections are ``[extra]``, ``[:marker]`` or ``[extra:marker]``."""
    extra, marker = "", ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
        elif line and not extra:
            yield f"{line}; {marker}" if marker else line
