"""A machine is given more of its distribution's archive, from where it has it already."""

from __future__ import annotations

import shutil

from tests.conftest import ROOT
from tests.execution.roots import SystemRoot

PROGRAM = ROOT / "rigspec" / "plan" / "payload" / "apt-components.sh"
# Of a suite whose component is empty apt does not tell that it knows it; these have all.
SUITES = "bookworm bookworm-security"
MORE = "contrib non-free"


def list_missing_components(
    root: SystemRoot, *, suites: str = SUITES, check: bool = True
) -> tuple[list[str], str]:
    """The lines without the comment, and what went to the error stream."""
    root.run("apt-get", "update", "-qq")
    shutil.copyfile(PROGRAM, root.path / "root" / "apt-components.sh")
    done = root.run("sh", "/root/apt-components.sh", suites, "main", MORE, check=check)
    assert check or done.returncode == 1
    return [line for line in done.stdout.splitlines() if line[0] != "#"], done.stderr


def test_apt_components_missing_come_from_existing_mirror(debian_12: SystemRoot) -> None:
    sources = debian_12.path / "etc" / "apt" / "sources.list"
    lines = [line.split() for line in sources.read_text(encoding="utf-8").splitlines()]
    places = [(uri, suite) for _, uri, suite, _ in lines if suite in SUITES.split()]
    written = [f"deb [lang=none] {uri.rstrip('/')}/ {suite} {MORE}" for uri, suite in places]
    assert list_missing_components(debian_12)[0] == written

    (debian_12.path / "etc/apt/sources.list.d/rig.list").write_text("\n".join(written) + "\n")
    assert list_missing_components(debian_12)[0] == []  # there is nothing left to add
    found = debian_12.run("apt-cache", "policy", "nvidia-cuda-toolkit").stdout
    assert "non-free" in found


def test_apt_components_use_key_of_existing_source(debian_12: SystemRoot) -> None:
    """Debian's images write sources as paragraphs; apt refuses two keys for one archive."""
    sources = debian_12.path / "etc" / "apt" / "sources.list"
    uri = sources.read_text(encoding="utf-8").split()[1]
    sources.unlink()
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (debian_12.path / "etc/apt/sources.list.d/debian.sources").write_text(
        f"Types: deb\nURIs: {uri}\nSuites: bookworm bookworm-updates\n"
        f"Components: main contrib\nSigned-By: {key}\n"
    )
    archive = f"{uri.rstrip('/')}/"
    lines, _ = list_missing_components(debian_12, suites="bookworm trixie")
    assert lines == [f"deb [signed-by={key} lang=none] {archive} bookworm non-free"]
    (debian_12.path / "etc/apt/sources.list.d/rig.list").write_text("\n".join(lines) + "\n")
    debian_12.run("apt-get", "update", "-qq")


def test_apt_components_without_source_fails(debian_12: SystemRoot) -> None:
    lines, error = list_missing_components(debian_12, suites="trixie trixie-updates", check=False)
    assert lines == []
    assert "no apt source for trixie trixie-updates on this machine" in error
