"""Compiled templates are cached for one text of a template."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from rigspec.backend import template_cache
from rigspec.backend.template_cache import TemplateCache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(template_cache, "_FOLDER", tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def render(text: str) -> str:
    environment = Environment(loader=DictLoader({"t": text}), bytecode_cache=TemplateCache())
    return environment.get_template("t").render(name="rig")


def test_template_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert render("{{ name }}") == "rig"
    (cached,) = folder.iterdir()
    monkeypatch.setattr(Environment, "compile", None)
    assert render("{{ name }}") == "rig"
    assert [*folder.iterdir()] == [cached]


def test_changed_template_is_compiled_again(folder: Path) -> None:
    assert render("{{ name }}") == "rig"
    assert render("<{{ name }}>") == "<rig>"
    assert len([*folder.iterdir()]) == 2


def test_damaged_cache_is_replaced(folder: Path) -> None:
    render("{{ name }}")
    (cached,) = folder.iterdir()
    whole = cached.read_bytes()
    for damaged in (b"", whole[:20], whole[:-5], b"x" * 40):
        cached.write_bytes(damaged)
        assert render("{{ name }}") == "rig"
        assert cached.read_bytes() == whole


def test_folder_that_cannot_be_written_is_not_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_cache, "_FOLDER", folder / "missing")
    assert render("{{ name }}") == "rig"
