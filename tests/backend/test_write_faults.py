"""Writes that fail at any step: the old state or the new one, an error, and a second run works."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rigspec.bundle.build import Bundle
from rigspec.bundle.model import BundleFile, BundlePart, GeneratedFile, write_verified
from rigspec.bundle.writer import UNFINISHED, fill_bundle
from rigspec.fs import atomic_tree
from rigspec.fs.atomic_tree import (
    MANIFEST,
    OutputFile,
    TreeError,
    build_manifest,
    write_file,
    write_tree_atomically,
)

# Every call that changes a file system. Writes go through the files that `fdopen` returns.
CALLS = (
    *("open", "mkdir", "rename", "replace", "link"),
    *("fsync", "fchmod", "chmod", "unlink", "rmdir"),
)
# A disk that is full or read-only stays so; a call that was interrupted succeeds the next time.
LASTING, ONCE = errno.ENOSPC, errno.EINTR
ERRORS = (LASTING, ONCE, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO)


class Injection:
    """Fails from the ``first`` call on, or only that call with EINTR."""

    def __init__(self, first: int, number: int) -> None:
        self.first = first
        self.number = number
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.first or (self.count > self.first and self.number != ONCE):
            raise OSError(self.number, os.strerror(self.number))


class FaultyFile:
    """A file whose writes are counted."""

    def __init__(self, file: Any, inject: Injection) -> None:
        self._file = file
        self._inject = inject

    def __enter__(self) -> FaultyFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        self._inject()
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def failing(inject: Injection) -> Iterator[None]:
    """Let the calls of the file system fail as injected."""

    def wrap(call: Callable[..., Any], *, only_writing: bool) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            reads = only_writing and not args[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not reads:
                inject()
            return call(*args, **kwargs)

        return wrapped

    def exchange(*args: Path) -> None:
        inject()
        exchanged(*args)

    exchanged, fdopen = atomic_tree._exchange, os.fdopen
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            wrapped = wrap(getattr(os, name), only_writing=name == "open")
            patch.setattr(os, name, wrapped)
        patch.setattr(os, "fdopen", lambda *a, **k: FaultyFile(fdopen(*a, **k), inject))
        patch.setattr(atomic_tree, "_exchange", exchange)
        yield


@pytest.fixture(autouse=True)
def _no_real_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def each_fault(
    prepare: Callable[[], object],
    write: Callable[[], object],
    check: Callable[[bool], None],
    errors: Sequence[int] = (LASTING, ONCE),
) -> int:
    """Write with a fault at each step; return the number of steps."""
    steps = 0
    for number in errors:
        for first in range(1, 200):
            prepare()
            inject = Injection(first, number)
            error: Exception | None = None
            try:
                with failing(inject):
                    write()
            except (TreeError, OSError) as raised:
                error = raised
            assert error is None or os.strerror(number) in str(error)
            check(error is not None)
            steps += 1
            if inject.count < first:
                break
        else:
            raise AssertionError("the last step was not reached")
    return steps


@pytest.mark.parametrize("exists", [False, True])
def test_tree_with_fault_at_each_step_is_old_or_new(exists: bool, tmp_path: Path) -> None:
    target = tmp_path / "at" / "tree"
    old = [OutputFile("a", b"old", 0o644), OutputFile("gone/b", b"old", 0o644)]
    new = [OutputFile("a", b"new", 0o644), OutputFile("c/d", b"new", 0o755)]
    expected = [
        {file.path: file.content for file in files} | {MANIFEST: build_manifest(files)}
        for files in (old, new)
    ]
    expected[0] = expected[0] if exists else {}

    def prepare() -> None:
        target.parent.mkdir(exist_ok=True)
        write_tree_atomically(target, old)
        if not exists:
            for path in sorted(target.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            target.rmdir()

    def check(failed: bool) -> None:
        assert contents(target) in expected
        assert failed or contents(target) == expected[1]
        write_tree_atomically(target, new)
        assert contents(target) == expected[1]
        assert os.listdir(target.parent) == ["tree"]

    assert each_fault(prepare, lambda: write_tree_atomically(target, new), check) > 30


def test_file_with_fault_at_each_step_is_old_or_new(tmp_path: Path) -> None:
    target = tmp_path / "file"

    def check(failed: bool) -> None:
        assert target.read_bytes() in (b"old", b"new")
        assert failed or target.read_bytes() == b"new"
        write_file(target, b"new")
        assert target.read_bytes() == b"new"

    each_fault(
        lambda: write_file(target, b"old"), lambda: write_file(target, b"new"), check, ERRORS
    )


def test_bundle_with_fault_at_each_step_is_completed_by_the_next_run(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"

    def bundle_of(text: bytes, *names: str) -> Bundle:
        import hashlib

        sha256 = hashlib.sha256(text).hexdigest()

        def fetch(to: Path) -> None:
            with write_verified(to, sha256) as write:
                write([text])

        files = tuple(BundleFile(f"files/{name}", sha256, fetch) for name in names)
        return Bundle((BundlePart(files, (GeneratedFile("files/index.html", text),)),))

    old, new = bundle_of(b"old", "a", "b"), bundle_of(b"new", "a", "c")

    def check(failed: bool) -> None:
        assert failed or (folder / MANIFEST).exists()
        complete = (folder / MANIFEST).exists() and not (folder / UNFINISHED).exists()
        fill_bundle(folder, new, lambda path: None)
        found = contents(folder)
        del found[MANIFEST]
        assert found == {"files/a": b"new", "files/c": b"new", "files/index.html": b"new"}
        assert failed or complete

    each_fault(
        lambda: fill_bundle(folder, old, lambda path: None),
        lambda: fill_bundle(folder, new, lambda path: None),
        check,
    )
