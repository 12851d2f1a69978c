"""Fixtures: the site, built once for all test processes, and a Firefox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.site.firefox import Firefox


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
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with Firefox(tmp_path_factory.mktemp("firefox")) as started:
        yield started
