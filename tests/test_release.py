"""The files of a release: built to the same bytes, described, and published by the workflow."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import tomli
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from rigspec import __version__
from tests.conftest import ROOT
from tests.containers import docker_engine
from tests.execution.conftest import KEPT
from tests.execution.roots import make_root

BIN = Path(sys.executable).parent
# https://keepachangelog.com/en/1.1.0/
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
VERSION_HEADING = re.compile(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}")


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of `make dist`, which fails unless two builds are equal and described."""
    out = tmp_path_factory.mktemp("release") / "dist"
    command = [sys.executable, ROOT / "scripts" / "build-dist", BIN, out, "--allow-dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.e2e(minutes=2)
def test_build_dist_writes_wheel_sdist_sbom_and_checksums(dist: Path) -> None:
    sums = dict(
        reversed(line.split("  "))
        for line in (dist / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    )
    wheel, sdist = f"rigspec-{__version__}-py3-none-any.whl", f"rigspec-{__version__}.tar.gz"
    assert sums.keys() == {wheel, sdist, "rigspec.cdx.json"}
    for name, digest in sums.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest
    with tarfile.open(dist / sdist) as archive:
        members = archive.getmembers()
        metadata = archive.extractfile(f"rigspec-{__version__}/PKG-INFO")
        assert metadata is not None
        links = re.findall(r"\]\(([^)]+)\)", metadata.read().decode("utf-8"))
    assert {(each.uid, each.gid, each.uname) for each in members} == {(0, 0, "")}
    assert len({each.mtime for each in members}) == 1
    assert links
    assert all(link.startswith(("https://", "#")) for link in links)


@pytest.mark.e2e(minutes=1)
def test_sbom_of_rigspec_validates_and_names_dependencies(dist: Path) -> None:
    text = (dist / "rigspec.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    root = document["metadata"]["component"]
    assert (root["name"], root["version"]) == ("rigspec", __version__)
    assert {"pydantic", "Jinja2", "uv"} <= {each["name"] for each in document["components"]}
    assert "file:" not in text


@pytest.mark.nightly
@pytest.mark.e2e(minutes=5)
def test_image_checks_and_locks_a_rig(dist: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "dist").mkdir(parents=True)
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(ROOT / name, context)
    for wheel in dist.glob("*.whl"):
        shutil.copy(wheel, context / "dist")
    spec = ROOT / "specs" / "legacy-cpu.toml"
    with docker_engine(tmp_path / "engine") as docker:
        docker.image("debian:13-slim", make_root("trixie", KEPT))
        docker("build", "--network=host", "--tag", "rigspec", context)
        run = ("run", "--rm", "--network=host", "--volume", f"{spec}:/rig/rig.toml:ro", "rigspec")
        assert docker(*run, "rigspec", "--version") == f"rigspec {__version__}"
        assert "tensorflow 1.8.0" in docker(*run, "rigspec", "check")
        assert "usage" in docker("run", "--rm", "--network=host", "rigspec").lower()


def test_changelog_has_the_form_of_keep_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert first == "[Unreleased]"
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= KINDS
    links = dict(re.findall(r"^\[([^]]+)\]: (https://\S+)$", text, re.MULTILINE))
    for heading in versions:
        found = VERSION_HEADING.fullmatch(heading)
        assert found, heading
        assert found[1] in links
    assert "Unreleased" in links


def _notes(folder: Path, tag: str, changelog: str) -> subprocess.CompletedProcess[str]:
    """Run `release-notes` in a checkout with this changelog."""
    for name in ("scripts/release-notes", "rigspec/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    command = [folder / "scripts" / "release-notes", tag]
    return subprocess.run(command, capture_output=True, text=True, check=False)


CHANGELOG = f"""\
# Changelog

## [Unreleased]

## [{__version__}] - 2026-12-01

### Added

- The first release.

## [0.0.1] - 2026-01-01

- Older.

[Unreleased]: https://example.org
"""


def test_release_notes_of_the_version_are_its_section(tmp_path: Path) -> None:
    done = _notes(tmp_path, f"v{__version__}", CHANGELOG)
    assert (done.returncode, done.stdout) == (0, "### Added\n\n- The first release.\n")


@pytest.mark.parametrize(
    ("tag", "changelog", "problem"),
    [
        ("v9.9.9", CHANGELOG, f"the tag is v9.9.9, but the package is {__version__}"),
        (f"v{__version__}", "# Changelog\n\n## [Unreleased]\n", "has no section"),
    ],
)
def test_release_notes_of_another_version_fail(
    tag: str, changelog: str, problem: str, tmp_path: Path
) -> None:
    done = _notes(tmp_path, tag, changelog)
    assert done.returncode == 1
    assert problem in done.stderr


# Sources under a share-alike or copyleft licence, by a part of their address.
SHARE_ALIKE = ("wikipedia.org", "wikichip.org", "gpu-info-api", "superuser.com", "boaviztapi")


def test_notice_names_every_source_under_a_share_alike_licence() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for table in sorted((ROOT / "rigspec/matrix/tables").rglob("*.toml")):
        sources = tomli.loads(table.read_text(encoding="utf-8")).get("source", {})
        for key, source in sources.items():
            if any(part in source["url"] for part in SHARE_ALIKE) or re.search(
                r"wiki(pedia|books|data)|stackoverflow|stackexchange|askubuntu", source["url"]
            ):
                assert table.name in notice, (table.name, key)
                assert f'"{key}"' in notice.replace("\n ", ""), (table.name, key)


def _jobs() -> dict[str, Any]:
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    jobs: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return jobs


def test_release_workflow_publishes_with_provenance_and_without_tokens() -> None:
    jobs = _jobs()
    uses = {
        name: {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
        for name, job in jobs.items()
    }
    assert {"actions/attest-build-provenance", "actions/attest-sbom"} <= uses["build"]
    assert "pypa/gh-action-pypi-publish" in uses["pypi"]
    assert {"docker/build-push-action", "actions/attest-build-provenance"} <= uses["image"]
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")


def test_release_workflow_runs_scripts_of_the_repository() -> None:
    lines = [step["run"] for job in _jobs().values() for step in job["steps"] if "run" in step]
    named = set(re.findall(r"scripts/[\w-]+", "\n".join(lines)))
    assert named == {"scripts/release-notes"}
    for name in named:
        assert os.access(ROOT / name, os.X_OK), name
    assert "make dist" in lines
