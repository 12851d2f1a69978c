"""The cache of compiled templates: valid for one source, and never needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from jinja2 import DictLoader, Environment

from rigspec.backend import quoting, template_cache
from rigspec.backend.template_cache import TemplateCache

SOURCE = '{{ "a" | mark }}'
Filter = Callable[[str], str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(template_cache, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names of the templates that are compiled, as they are."""
    names: list[str | None] = []
    compile_template = Environment.compile

    def record(self: Environment, source: str, name: str | None, *rest: object) -> object:
        names.append(name)
        return compile_template(self, source, name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", record)
    return names


def render(source: str = SOURCE, mark: Filter = str.upper, code: bytes = b"") -> str:
    environment = Environment(
        loader=DictLoader({"a.j2": source}),
        bytecode_cache=TemplateCache(code),
        autoescape=False,
    )
    environment.filters["mark"] = mark
    return environment.get_template("a.j2").render()


def test_template_is_compiled_once(compiled: list[str | None]) -> None:
    assert render() == render() == "A"
    assert compiled == ["a.j2"]


def test_changed_template_is_compiled_again(compiled: list[str | None]) -> None:
    render()
    assert render(f"{SOURCE}!") == "A!"
    assert render() == "A"
    assert len(compiled) == 2


def test_template_is_compiled_again_after_a_filter_changed(compiled: list[str | None]) -> None:
    render()
    assert render(mark=lambda text: text * 2, code=b"changed") == "aa"
    assert len(compiled) == 2


@pytest.mark.parametrize("content", [b"", b"\x80", b"j2\x05\x00cos\nmissing\n."])
def test_damaged_file_is_replaced(content: bytes, compiled: list[str | None], folder: Path) -> None:
    render()
    (file,) = folder.iterdir()
    file.write_bytes(content)
    assert render() == render() == "A"
    assert len(compiled) == 2


def test_read_only_folder_is_no_error(
    compiled: list[str | None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_cache, "FOLDER", folder / "missing")
    assert render() == render() == "A"
    assert len(compiled) == 2


def test_filters_are_functions_of_one_module() -> None:
    """The source of that module is all that their results depend on."""
    names = {value.__name__ for value in vars(quoting).values() if isinstance(value, ModuleType)}
    assert names <= sys.stdlib_module_names
    assert {each.__module__ for each in quoting.FILTERS.values()} == {quoting.__name__}
