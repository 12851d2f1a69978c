"""The cache of releases: which pages of an index a lock reads, and what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from packaging.version import Version

from rigspec.lock.python.engines import uv
from rigspec.lock.python.index.listed_files import ListedFile
from rigspec.lock.python.index.pages import IndexPages
from rigspec.lock.python.index.release_cache import ReleaseCache
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import HashedPin, read_pins
from rigspec.lock.python.target_interpreter import TargetInterpreter
from tests.lock.http_server import Answer, Serve, servers
from tests.lock.python_index import Releases, Wheel, serve_index

TARGET = TargetInterpreter("3.12", (2, 39), "x86_64", "24.0")
TOOL: Releases = {"tool": {"1.0": Wheel(["part"])}, "part": {"1.0": Wheel(), "1.1": Wheel()}}
# uv ignores what Requires-Python excludes in the middle of a range.
UNUSABLE = Wheel(python="!=3.12.*,>=3.8")
INDEX = ("https://index.example.org/simple",)
SHA256 = "0" * 64
PIN = HashedPin("part", Version("1.0"), frozenset([SHA256]))
FILE = ListedFile(
    *("part-1.0-py3-none-any.whl", "https://files.example.org/part-1.0-py3-none-any.whl"),
    *("https://index.example.org/simple/part/", ">=3.8", None, (("sha256", SHA256),)),
)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RIGSPEC_NO_CACHE", raising=False)
    return tmp_path / "rigspec"


@pytest.fixture
def start() -> Iterator[Serve]:
    with servers() as started:
        yield started


class Index:
    """An index whose releases may change at one address."""

    def __init__(self, start: Serve) -> None:
        self.pages_read: list[str] = []
        self._answer: Answer | None = None
        self._address = start(lambda request: self._reply(request))

    def serve(self, releases: Releases) -> None:
        def keep(answer: Answer) -> str:
            self._answer = answer
            return self._address

        self._url = serve_index(keep, releases)

    def lock(self, cache: ReleaseCache) -> Mapping[str, str]:
        self.pages_read.clear()
        pages = IndexPages(cache=cache)
        request = ResolveRequest("lab", ("tool",), TARGET, (), self._url, pages=pages)
        return {p.name: str(p.version) for p in read_pins(uv.compile_requirements(request))}

    def _reply(self, request: BaseHTTPRequestHandler) -> None:
        if not request.headers["User-Agent"].startswith("uv/"):
            self.pages_read.append(request.path)
        assert self._answer is not None
        self._answer(request)


@pytest.fixture
def index(start: Serve) -> Index:
    return Index(start)


def test_second_lock_reads_no_page_of_a_dependency(index: Index) -> None:
    index.serve(TOOL)
    assert index.lock(ReleaseCache()) == {"tool": "1.0", "part": "1.1"}
    assert sorted(index.pages_read) == ["/simple/part/", "/simple/tool/"]
    assert index.lock(ReleaseCache()) == {"tool": "1.0", "part": "1.1"}
    # uv has no limits of its own: what the spec requires is always read.
    assert index.pages_read == ["/simple/tool/"]


def test_lock_without_cache_reads_every_page(index: Index, cache_folder: Path) -> None:
    index.serve(TOOL)
    for _ in range(2):
        index.lock(ReleaseCache(fresh=True))
        assert sorted(index.pages_read) == ["/simple/part/", "/simple/tool/"]
    assert not cache_folder.exists()


def test_release_that_python_excludes_is_replaced_with_cache(index: Index) -> None:
    index.serve({**TOOL, "part": {"1.0": Wheel(), "1.1": UNUSABLE}})
    for _ in range(2):
        assert index.lock(ReleaseCache()) == {"tool": "1.0", "part": "1.0"}


def test_release_with_another_file_is_read_again(index: Index) -> None:
    index.serve({**TOOL, "part": {"1.0": Wheel(), "1.1": Wheel()}})
    index.lock(ReleaseCache())
    index.serve({**TOOL, "part": {"1.0": Wheel(), "1.1": UNUSABLE}})
    assert index.lock(ReleaseCache()) == {"tool": "1.0", "part": "1.0"}
    assert "/simple/part/" in index.pages_read


def test_stored_release_is_recalled_for_its_index_and_checksums() -> None:
    ReleaseCache().keep(INDEX, {PIN: (FILE,)})
    assert ReleaseCache().recall(INDEX, [PIN]) == {PIN: (FILE,)}
    assert ReleaseCache().recall(("https://other.example.org/simple",), [PIN]) == {}
    more = HashedPin(PIN.name, PIN.version, PIN.sha256 | {"1" * 64})
    assert ReleaseCache().recall(INDEX, [more]) == {}


@pytest.mark.parametrize(
    "file",
    [
        FILE._replace(url="https://me:secret@files.example.org/part-1.0-py3-none-any.whl"),
        FILE._replace(url=f"{FILE.url}?token=secret"),
        FILE._replace(page="https://me:secret@index.example.org/simple/part/"),
        # The resolver read other checksums than those of the page.
        FILE._replace(hashes=(("sha256", "1" * 64),)),
        FILE._replace(hashes=()),
    ],
)
def test_release_with_secret_or_other_checksums_is_not_stored(
    file: ListedFile, cache_folder: Path
) -> None:
    ReleaseCache().keep(INDEX, {PIN: (file,)})
    assert ReleaseCache().recall(INDEX, [PIN]) == {}
    assert all(b"secret" not in path.read_bytes() for path in cache_folder.iterdir())


@pytest.mark.parametrize("damage", [b"", b"not a database" * 100])
def test_damaged_cache_is_ignored(damage: bytes, cache_folder: Path) -> None:
    ReleaseCache().keep(INDEX, {PIN: (FILE,)})
    for path in cache_folder.iterdir():
        path.write_bytes(damage)
    assert ReleaseCache().recall(INDEX, [PIN]) == {}
    ReleaseCache().keep(INDEX, {PIN: (FILE,)})


def test_cache_is_readable_by_its_user_alone(cache_folder: Path) -> None:
    ReleaseCache().keep(INDEX, {PIN: (FILE,)})
    assert [path.stat().st_mode & 0o777 for path in cache_folder.iterdir()] == [0o600]
