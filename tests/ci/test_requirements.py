"""CI installs dependencies that are locked by hash, for every requirement of pyproject.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PIN = re.compile(
    r"^([a-z0-9.-]+)==(\S+)(?: ; [^\\]*)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)", re.M
)


def list_requirements(*extras: str) -> Iterator[Requirement]:
    """Yield the requirements of the project with these extras."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = list(project["dependencies"])
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    for requirement in map(Requirement, texts):
        if requirement.name == "rigspec":
            yield from list_requirements(*requirement.extras)
        else:
            yield requirement


def test_every_dependency_of_the_tests_is_locked_with_hashes() -> None:
    text = (ROOT / "ci" / "requirements.txt").read_text(encoding="utf-8")
    pins = {match[1]: match[2] for match in PIN.finditer(text)}
    assert len(pins) > 100
    for requirement in list_requirements("dev"):
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement
    # No line but pins with hashes.
    assert PIN.sub("", text).strip() == ""


def test_every_dependency_with_all_extras_has_a_known_licence() -> None:
    lines = (ROOT / "ci" / "licences.txt").read_text(encoding="utf-8").splitlines()
    found = dict(line.split(": ", 1) for line in lines)
    assert "unknown" not in found.values()
    for requirement in list_requirements("all"):
        assert found[canonicalize_name(requirement.name)], requirement
