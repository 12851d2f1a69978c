"""What all tests share."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rigspec.garbage_collection import pause_garbage_collection
from tests.browser import open_chromium
from tests.command import run_in_process
from tests.deferred import defer_iri_syntax
from tests.file_checks import check_once
from tests.lock.http_server import Serve, servers
from tests.prerequisites import missing_prerequisites
from tests.shared import build_wheel, make_once

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent

# The suite starts hundreds of interpreters: none compiles a module that another has compiled, nor
# parses a table of the matrix again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
defer_iri_syntax()
# Tests ask for answers, not for what was answered before.
os.environ["RIGSPEC_NO_CACHE"] = "1"
# A distribution's archive is asked only by the tests that name one.
os.environ["RIGSPEC_APT_DEBIAN"] = os.environ["RIGSPEC_APT_UBUNTU"] = ""
# …and so is NVIDIA's repository.
os.environ["RIGSPEC_NVIDIA"] = os.environ["RIGSPEC_DNF"] = ""

# …and ask no registry of the world: a lock made by a test is the same wherever it is made.
os.environ["RIGSPEC_REGISTRY"] = "127.0.0.1:9"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Rewrite the golden files; review the change."
    )


def pytest_configure() -> None:
    """Let hypothesis draw slowly: a loaded machine is no error of a test."""
    from hypothesis import HealthCheck, settings

    settings.register_profile("patient", suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests begin with the longest, so that workers end together."""

    def seconds(item: pytest.Item) -> float:
        if e2e := item.get_closest_marker("e2e"):
            return 60.0 * e2e.kwargs.get("minutes", 1)
        long = item.get_closest_marker("long")
        return 0.0 if long is None else float(long.kwargs["seconds"])

    items.sort(key=seconds, reverse=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the thousands of tests and their modules out of garbage collection: they stay."""
    with pause_garbage_collection():
        result = yield
    gc.freeze()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failed test what this machine lacks of the prerequisites."""
    report = yield
    if report.failed and missing_prerequisites():
        report.sections.append(("missing on this machine", "\n".join(missing_prerequisites())))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    failed = terminalreporter.stats.get("failed") or terminalreporter.stats.get("error")
    if failed and missing_prerequisites():
        terminalreporter.section("missing on this machine")
        for sentence in missing_prerequisites():
            terminalreporter.line(sentence)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Hold a text against the file that says what it should be."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; see --update-golden"

    return check


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers on loopback that answer with a function, and stop them."""
    with servers() as start:
        yield start


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def rigspec() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line from the project's folder, in this process where the options allow it.

    ``process=True`` starts an interpreter: for what a process does when it starts and ends.
    """

    def run(
        *arguments: object, process: bool = False, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rigspec", *map(str, arguments)]
        settings: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "text": True, **options}
        in_process = {"cwd", "env", "input", "capture_output", "text", "check", "timeout"}
        if process or settings.keys() - in_process:
            return subprocess.run(command, **settings)
        return run_in_process(command, settings)

    return run


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder that all processes of a test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def once(shared_folder: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a folder that one process of a test run fills and all of them read."""
    return partial(make_once, shared_folder)


@pytest.fixture(scope="session")
def wheel(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The wheel of rigspec."""
    (built,) = once("wheel", build_wheel).glob("*.whl")
    return built


@pytest.fixture(scope="session")
def check_file(shared_folder: Path) -> Callable[[Sequence[str], Path], None]:
    """Check a file with a command in which `{}` is the file; equal files are checked once."""
    return partial(check_once, shared_folder / "passed-checks")
