"""What is installed is what is here."""

from __future__ import annotations

import tomli

from tests.conftest import ROOT


def test_every_package_is_in_the_distribution() -> None:
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"]) - {"rigspec.backends"}
    here = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for file in (ROOT / "rigspec").rglob("__init__.py")
    }
    assert listed == here
