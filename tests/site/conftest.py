"""Fixtures: the site, built once for all test processes, and browsers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from tests.conftest import ROOT
from tests.site.firefox import Firefox

# Prevent background requests of the browser.
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run", "--disable-quic", "--no-sandbox"]


@pytest.fixture(scope="session")
def site(shared_folder: Path) -> Path:
    """The folder of the site, as `make site` builds it, but elsewhere."""
    folder = shared_folder / "site"
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "index.html").exists():
            command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
            done = subprocess.run(
                [*command, "--site-dir", str(folder)],
                cwd=ROOT,
                env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
                capture_output=True,
                text=True,
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    path = shutil.which("chromium")
    assert path is not None, "scripts/install-test-tools installs it"
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="session")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with Firefox(tmp_path_factory.mktemp("firefox")) as started:
        yield started
