"""Write whole folders atomically: a kill at any moment leaves the old tree or the new one."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.frozen import dataclass

__all__ = [
    "MANIFEST",
    "OutputFile",
    "TreeError",
    "build_manifest",
    "escapes_root",
    "find_written_name",
    "list_changed_files",
    "list_manifest",
    "read_tree",
    "update_tree_atomically",
    "write_file",
    "write_tree_atomically",
]

# In the format of `sha256sum --check`, which can verify a tree.
MANIFEST = "MANIFEST.sha256"

# In the names of what is not complete.
_MARK = ".rigspec-"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h


@dataclass(frozen=True)
class OutputFile:
    """A file of a tree; ``path`` is relative, with slashes."""

    path: str
    content: bytes
    mode: int = 0o644


class TreeError(Exception):
    """A tree cannot be written; nothing was changed."""

    def __init__(self, directory: Path, problem: str) -> None:
        super().__init__(f"{directory} {problem}")
        self.diagnostic = Diagnostic(
            code="RS604",
            severity=Severity.ERROR,
            message=f"{directory} {problem}",
            spans=(Span(str(directory), 1, 1, 1, 2),),
            help=("set another folder with -o, or move those files",),
        )


def write_tree_atomically(directory: Path, files: Sequence[OutputFile]) -> None:
    """Replace the content of the directory by these files and a manifest of them.

    The tree is built next to the directory and exchanged with it by one rename. A directory with
    files that no manifest of rigspec lists is refused. Modes do not depend on the umask.

    Raises:
        TreeError: The tree cannot be written.
        ValueError: A path leaves the tree.
    """
    update_tree_atomically(directory, lambda _: files)


def update_tree_atomically(
    directory: Path, change: Callable[[tuple[OutputFile, ...]], Sequence[OutputFile]]
) -> None:
    """Replace the files of the directory by what ``change`` returns for them.

    As ``write_tree_atomically``; other processes that write in the same parent folder wait, so
    no change is lost.

    Raises:
        TreeError: The tree cannot be written.
        ValueError: A path leaves the tree.
    """
    directory = Path(os.path.abspath(directory))
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with _hold(directory.parent):
            _refuse_foreign(directory)
            _sweep(directory)
            staged, lock = _stage(directory, change(read_tree(directory)))
            try:
                _swap(staged, directory)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
                os.close(lock)
    except OSError as error:
        raise TreeError(directory, f"cannot be written: {error.strerror}") from error


def write_file(file: Path, content: bytes, *, new: bool = False, parents: bool = False) -> None:
    """Write one file atomically, with the mode of any new file.

    Args:
        file: the file, which is replaced if it exists.
        content: its bytes.
        new: refuse to replace an existing file.
        parents: create missing folders.

    Raises:
        TreeError: The file cannot be written.
        FileExistsError: ``new`` is set and the file exists.
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
            fcntl.flock(out, fcntl.LOCK_EX)
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
            with suppress(OSError):
                staged.unlink()


def read_tree(directory: Path) -> tuple[OutputFile, ...]:
    """Return the files that a manifest in the directory lists; empty without a manifest."""
    return tuple(
        OutputFile(name, path.read_bytes(), path.stat().st_mode & 0o777)
        for name in sorted(list_manifest(directory / MANIFEST))
        if name != MANIFEST and (path := directory / name).is_file()
    )


def list_changed_files(directory: Path) -> tuple[str, ...]:
    """Return the files that differ from the manifest in the directory, sorted."""
    manifest = directory / MANIFEST
    written = manifest.read_bytes() if manifest.is_file() else b""
    present = read_tree(directory)
    lines = build_manifest(present).decode().splitlines()
    known = set(written.decode("utf-8", errors="replace").splitlines())
    return tuple(sorted(_name(line) for line in lines if line not in known))


def build_manifest(files: Iterable[OutputFile]) -> bytes:
    """Return the text of the manifest of these files."""
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
        raise TreeError(directory, "already exists and is not a plain folder")
    known = set(list_manifest(directory / MANIFEST))
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if not path.is_dir() and name not in known:
            raise TreeError(directory, f"contains {name}, which rigspec did not write")


def list_manifest(manifest: Path) -> Iterator[str]:
    """Yield the paths in a manifest, itself first; nothing if it does not exist.

    The manifest is not trusted: paths that escape the directory are skipped.
    """
    if manifest.is_file():
        yield manifest.name
        for line in manifest.read_text(encoding="utf-8", errors="replace").splitlines():
            name = line.partition("  ")[2]
            if name and not escapes_root(name):
                yield name


def find_written_name(name: str) -> str | None:
    """Return the file that a killed run was writing to a file of this name; None for others."""
    written, found, _ = name.removeprefix(".").rpartition(_MARK)
    return written if found and name.startswith(".") else None


def escapes_root(path: str) -> bool:
    """Return whether the relative path escapes its root."""
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts


def _prefix(directory: Path) -> str:
    return f".{directory.name}{_MARK}"


@contextmanager
def _hold(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Lock a path; raise BlockingIOError if another process has locked it and ``wait`` is not set.

    The lock of a folder lets one process at a time write trees in it.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _sweep(directory: Path) -> None:
    """Remove what killed runs left; a running process has a lock on its own."""
    prefix = _prefix(directory)
    for leftover in sorted(directory.parent.iterdir()):
        if not leftover.name.startswith(prefix) or leftover.is_symlink():
            continue
        # It may be gone by now, in use, or another user's: none of these prevents a new tree.
        with suppress(OSError), _hold(leftover, wait=False):
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()


def _stage(directory: Path, files: Sequence[OutputFile]) -> tuple[Path, int]:
    """Write the tree next to the directory; return its path and the handle that locks it."""
    manifest = OutputFile(MANIFEST, build_manifest(files), 0o644)
    parts = [(_parts(file.path), file) for file in (*files, manifest)]
    staged = Path(tempfile.mkdtemp(prefix=_prefix(directory), dir=directory.parent))
    lock = -1
    try:
        lock = os.open(staged, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        _fill(staged, parts)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        if lock >= 0:
            os.close(lock)
        raise
    return staged, lock


def _fill(staged: Path, files: Iterable[tuple[tuple[str, ...], OutputFile]]) -> None:
    folders = {staged}
    for parts, file in files:
        path = staged.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        folders |= {staged.joinpath(*part.parts) for part in PurePosixPath(*parts).parents}
        _write(path, file)
    for folder in sorted(folders, reverse=True):
        folder.chmod(0o755)
        _sync(folder)


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
    """Exchange two paths in one step with renameat2(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if libc.renameat2(*arguments) == 0:
        return
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL):
        raise TreeError(other, "is on a file system that cannot exchange folders atomically")
    raise OSError(number, os.strerror(number), str(other))
