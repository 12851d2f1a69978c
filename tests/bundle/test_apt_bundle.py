"""The system packages in a bundle; packages that the archive no longer has are missing."""

from __future__ import annotations

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rigspec.bundle import apt
from rigspec.cli.app import app
from rigspec.lock.apt import packages
from tests.lock.apt_rig import Box
from tests.lock.signed_archive import package


@pytest.fixture(autouse=True)
def _own_distribution(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle knows the archive of the test as the lock does."""
    monkeypatch.setattr(apt, "find_distribution", packages.find_distribution)


def fetched(box: Box) -> Result:
    lock, bundle = str(box.folder / "lock"), str(box.folder / "bundle")
    arguments = ["fetch", str(box.folder / "rig.toml"), "--lock", lock, "-o", bundle]
    return CliRunner().invoke(app, arguments)


def test_fetch_suite_gone_fails_without_download(box: Box) -> None:
    box.archive.publish("bookworm-updates", package("tool", "2.0", Depends="lib"))
    box.lock()
    assert box.versions["tool"] == "2.0"
    gone = [path for path in box.archive.files if "/bookworm-updates/" in path]
    for path in gone:
        del box.archive.files[path]
    done = fetched(box)
    assert done.exit_code == 1, done.output
    assert "error[RS531]: not in the bundle: packages of debian/bookworm-updates" in done.output
    assert not (box.folder / "bundle").exists()


def test_fetch_version_no_longer_listed_fails(box: Box) -> None:
    box.lock()
    box.archive.publish("bookworm", package("tool", "1.1", Depends="lib"), package("lib"))
    done = fetched(box)
    assert done.exit_code == 1, done.output
    assert "error[RS531]: not in the bundle: tool 1.0 (its archive lists another" in done.output
