"""Whole folders or nothing: a kill at any moment leaves the old tree or the new one."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rigspec.diagnostics.model import Diagnostic, Severity, Span

__all__ = [
    "MANIFEST",
    "OutputFile",
    "TreeError",
    "escapes_root",
    "listed",
    "manifest_of",
    "read_tree",
    "write_file",
    "write_tree_atomically",
]

# In the form of `sha256sum --check`, so that anybody can hold a tree against it.
MANIFEST = "MANIFEST.sha256"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h


@dataclass(frozen=True)
class OutputFile:
    """A file of a tree: ``path`` relative, with slashes; ``mode`` as in ``0o644``."""

    path: str
    content: bytes
    mode: int


class TreeError(Exception):
    """A tree cannot be written where it should go; nothing was changed."""

    def __init__(self, directory: Path, why: str) -> None:
        super().__init__(f"{directory}: {why}")
        self.diagnostic = Diagnostic(
            code="RS604",
            severity=Severity.ERROR,
            message=f"{directory} {why}",
            spans=(Span(str(directory), 1, 1, 1, 2),),
            help=("name another folder with -o, or move those files away",),
        )


def write_tree_atomically(directory: Path, files: Sequence[OutputFile]) -> None:
    """Make ``directory`` hold these files and a manifest of them, and nothing else.

    The tree is built beside its place and swapped in by one rename. A folder that holds files
    which no manifest of rigspec lists is left alone. Modes do not depend on the umask.
    Raises TreeError, and ValueError for a path that would leave the tree.
    """
    directory = Path(os.path.abspath(directory))
    for file in files:
        _parts(file.path)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(directory)
        _sweep(directory)
        staged, lock = _stage(directory, files)
        try:
            _swap(staged, directory)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
            os.close(lock)
    except OSError as error:
        raise TreeError(directory, f"cannot be written: {error.strerror}") from error


def write_file(file: Path, content: bytes, *, new: bool = False, parents: bool = False) -> None:
    """Put one file in its place, whole or not at all, with the modes of any new file.

    What stood there is replaced; with ``new`` it is left alone and FileExistsError raised.
    ``parents``: its folder is made where it is not there. Raises TreeError.
    """
    if file.is_dir():
        raise TreeError(file, "is a folder; name a file")
    staged = None
    try:
        if parents:
            file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_prefix(file), dir=file.parent)
        staged = Path(name)
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            os.fchmod(out.fileno(), 0o666 & ~_mask())
            out.flush()
            os.fsync(out.fileno())
        if new:
            os.link(staged, file)
        else:
            os.replace(staged, file)
        _sync(file.parent)
    except OSError as error:
        if new and isinstance(error, FileExistsError):
            raise
        raise TreeError(file, f"cannot be written: {error.strerror}") from error
    finally:
        if staged is not None:
            staged.unlink(missing_ok=True)


def read_tree(directory: Path) -> tuple[OutputFile, ...]:
    """The files of a tree that was written before; none where there is no tree."""
    return tuple(
        OutputFile(name, path.read_bytes(), path.stat().st_mode & 0o777)
        for name in sorted(listed(directory / MANIFEST))
        if name != MANIFEST and (path := directory / name).is_file()
    )


def manifest_of(files: Iterable[OutputFile]) -> bytes:
    """What the manifest of a tree of these files says."""
    lines = [f"{hashlib.sha256(f.content).hexdigest()}  {f.path}\n" for f in files]
    return "".join(sorted(lines, key=_name)).encode()


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refuse_foreign(directory: Path) -> None:
    if not directory.exists() and not directory.is_symlink():
        return
    if not directory.is_dir() or directory.is_symlink():
        raise TreeError(directory, "is there already and is no plain folder")
    known = set(listed(directory / MANIFEST))
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if not path.is_dir() and name not in known:
            raise TreeError(directory, f"holds {name}, which rigspec did not write")


def listed(manifest: Path) -> Iterator[str]:
    """The paths that a manifest lists, itself first; none where there is no such file.

    Whoever wrote it: a path that leads out of the folder is none of a tree's.
    """
    if manifest.is_file():
        yield manifest.name
        for line in manifest.read_text(encoding="utf-8", errors="replace").splitlines():
            name = line.partition("  ")[2]
            if name and not escapes_root(name):
                yield name


def escapes_root(path: str) -> bool:
    """Whether a path with slashes leads out of the folder that it is read in."""
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts


def _prefix(directory: Path) -> str:
    return f".{directory.name}.rigspec-"


def _sweep(directory: Path) -> None:
    """Remove what a killed run has left staged; a run that still lives holds its lock."""
    for left in sorted(directory.parent.glob(f"{_prefix(directory)}*")):
        handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left)
        except BlockingIOError:
            continue
        finally:
            os.close(handle)


def _stage(directory: Path, files: Sequence[OutputFile]) -> tuple[Path, int]:
    """The whole tree on disk beside its place, and the handle that locks it."""
    staged = Path(tempfile.mkdtemp(prefix=_prefix(directory), dir=directory.parent))
    lock = os.open(staged, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    manifest = OutputFile(MANIFEST, manifest_of(files), 0o644)
    folders = {staged}
    for file in (*files, manifest):
        path = staged.joinpath(*_parts(file.path))
        path.parent.mkdir(parents=True, exist_ok=True)
        folders |= {staged.joinpath(*part.parts) for part in PurePosixPath(file.path).parents}
        _write(path, file)
    for folder in sorted(folders, reverse=True):
        folder.chmod(0o755)
        _sync(folder)
    return staged, lock


def _name(line: str) -> str:
    return line.partition("  ")[2]


def _parts(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).parts
    if not parts or escapes_root(path):
        raise ValueError(f"{path!r} leaves the tree")
    return parts


def _write(path: Path, file: OutputFile) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode)
    with os.fdopen(handle, "wb") as out:
        out.write(file.content)
        os.fchmod(out.fileno(), file.mode)
        out.flush()
        os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(staged: Path, directory: Path) -> None:
    if directory.exists():
        _exchange(staged, directory)
    else:
        staged.rename(directory)
    _sync(directory.parent)


def _exchange(one: Path, other: Path) -> None:
    """Give two paths each other's contents in one step, as renameat2(2) does."""
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if libc.renameat2(*arguments) == 0:
        return
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL):
        raise TreeError(other, "is on a file system that cannot swap folders in one step")
    raise OSError(number, os.strerror(number), str(other))
