"""Fixtures: a page in a browser, Mermaid, and the graphs of all specs."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page

from rigspec.cli.common.pipeline import resolve_or_exit
from rigspec.graph.build import build_graph
from rigspec.graph.model import StackGraph
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rigspec-tests"
MERMAID = "12.3.0"

# Every machine of every spec without a software conflict.
RIGS = [
    (path.name, machine)
    for path in sorted((ROOT / "specs").glob("*.toml"))
    if path.stem != "dl-server-as-written"
    for machine in (load_spec(str(path)).rig.machine or (None,))
]


def build_rig_graph(name: str, machine: str | None) -> StackGraph:
    spec = load_spec(str(ROOT / "specs" / name))
    return build_graph(
        spec, resolve_or_exit(spec, machine), load_required_matrix(spec.rig, machine)
    )


@pytest.fixture(scope="module")
def browser_page(chromium: Browser) -> Page:
    return chromium.new_page()


@pytest.fixture(scope="session")
def mermaid() -> Path:
    """Return the published Mermaid script, cached between runs."""
    folder = CACHE / f"mermaid-{MERMAID}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "mermaid.lock"):
        if not folder.exists():
            part = CACHE / f"mermaid-{MERMAID}.part"
            part.mkdir(exist_ok=True)
            packed = subprocess.run(
                ["npm", "pack", "--json", "--pack-destination", part, f"mermaid@{MERMAID}"],
                check=True,
                capture_output=True,
                text=True,
            )
            (entry,) = json.loads(packed.stdout)
            with tarfile.open(part / entry["filename"]) as archive:
                script = archive.extractfile("package/dist/mermaid.min.js")
                assert script is not None
                (part / "mermaid.min.js").write_bytes(script.read())
            part.rename(folder)
    return folder / "mermaid.min.js"
