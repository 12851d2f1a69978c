"""What doctor reports of packages and repositories of dnf."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest

from rigspec.plan.inspection.findings import Finding, Inspection, Status
from rigspec.plan.steps import DnfPackage, DnfPackagesStep, DnfRepositoryStep, PlatformStep
from rigspec.plan.steps.dnf_packages import doctor as packages
from rigspec.plan.steps.dnf_repository import doctor as repository
from rigspec.plan.steps.platform import doctor as platform

_KEY = "a key\n"
_DECLARED = """\
# Written by rigspec.
[rig-rocky-baseos]
name=rocky-baseos
baseurl=https://example.org/os
enabled=1
gpgcheck=1
repo_gpgcheck=0
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-rig-rocky-baseos
"""


def make_packages(*found: DnfPackage) -> DnfPackagesStep:
    return DnfPackagesStep(id="p", title="Packages", layer="system", packages=found)


def make_repository() -> DnfRepositoryStep:
    return DnfRepositoryStep(
        id="r",
        title="Dnf repository: rocky-baseos",
        layer="system",
        name="rocky-baseos",
        url="https://example.org/os",
        key_url="https://example.org/key",
        key_sha256=hashlib.sha256(_KEY.encode()).hexdigest(),
    )


def inspect_packages(
    monkeypatch: pytest.MonkeyPatch, installed: str, *found: DnfPackage
) -> list[Finding]:
    def run(command: Sequence[str], **_: object) -> str:
        provided = "curl-minimal\n" if command[-1] == "curl" else "no package provides it\n"
        return installed if "-qa" in command else provided

    monkeypatch.setattr(packages, "run_command", run)
    packages._list_installed.cache_clear()
    return list(packages.check(make_packages(*found), Inspection(None, (), {})))  # type: ignore[arg-type]


def test_package_of_locked_version_is_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = "openssl 1:3.0-1.el9\nhtop 0:3.2-1.el9\nkernel 0:1-1\nkernel 0:2-1\n"
    found = inspect_packages(
        monkeypatch,
        installed,
        DnfPackage("openssl", "1:3.0-1.el9", "x86_64"),
        DnfPackage("htop", "3.2-1.el9", "x86_64"),
        DnfPackage("curl"),
    )

    assert [(f.name, f.status) for f in found] == [
        ("openssl", Status.OK),
        ("htop", Status.OK),
        ("curl", Status.OK),
    ]


def test_package_of_other_version_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    found = inspect_packages(
        monkeypatch,
        "htop 0:3.1-1.el9\n",
        DnfPackage("htop", "3.2-1.el9", "x86_64"),
        DnfPackage("tmux", "3.2-1.el9", "x86_64"),
        DnfPackage("absent"),
    )

    assert [(f.name, f.status, f.found) for f in found] == [
        ("htop", Status.DIFFERS, "3.1-1.el9"),
        ("tmux", Status.MISSING, None),
        ("absent", Status.MISSING, None),
    ]


@pytest.mark.parametrize(
    ("key", "declared", "statuses"),
    [
        (_KEY, _DECLARED, [Status.OK, Status.OK]),
        ("other", _DECLARED, [Status.DIFFERS, Status.OK]),
        (_KEY, _DECLARED.replace("gpgcheck=1", "gpgcheck=0"), [Status.OK, Status.DIFFERS]),
        (_KEY, "not a repository", [Status.OK, Status.DIFFERS]),
        (None, None, [Status.MISSING, Status.MISSING]),
    ],
)
def test_repository_is_compared_with_key_and_declaration(
    key: str | None, declared: str | None, statuses: list[Status], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        repository, "read_text", lambda path: declared if path.endswith(".repo") else key
    )

    found = repository.check(make_repository(), Inspection(None, (), {}))  # type: ignore[arg-type]

    assert [finding.status for finding in found] == statuses


@pytest.mark.parametrize(
    ("version", "status"),
    [("9", Status.OK), ("9.6", Status.OK), ("10.0", Status.DIFFERS), ("95", Status.DIFFERS)],
)
def test_minor_release_is_the_release(
    version: str, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = PlatformStep(
        id="p", title="Platform", layer="p", distribution="rocky", release="9", arch="x86_64"
    )
    monkeypatch.setattr(platform, "read_text", lambda _: f'ID="rocky"\nVERSION_ID="{version}"\n')

    release, _ = platform.check(step, Inspection(None, (), {}))  # type: ignore[arg-type]

    assert release.status is status
