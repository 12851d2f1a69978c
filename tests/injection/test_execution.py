"""Rigs full of hostile texts, built for real: nothing fires, and every text arrives as it is."""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.fs.atomic_tree import OutputFile, write_tree_atomically
from rigspec.spec.loader import InvalidSpec
from tests.containers import Buildah
from tests.execution.conftest import KEPT
from tests.execution.roots import make_root
from tests.injection.artifacts import Tree, artifacts, read_rig
from tests.injection.executors import EXECUTORS, build_image
from tests.injection.fields import Field, text_fields
from tests.injection.machine import Machine
from tests.injection.rigs import PLAIN
from tests.injection.texts import HOSTILE
from tests.injection.written import place, with_text

# The fields whose text reaches an artifact. `everything` and `one` put hostile texts into each.
CARRIED = {
    "container.base",
    "download.* (key)",
    "download.*.to",
    "download.*.url",
    "env.* (key)",
    "env.*.config.*.*",
    "env.*.config.*.* (key)",
    "env.*.config.*.*.*",
    "env.*.config.*.*.* (key)",
    "env.*.config.*.*.*.[]",
    "env.*.config.*.*.[]",
    "env.*.frameworks.* (key)",
    "env.*.packages.*",
    "env.*.packages.* (key)",
    "machine.* (key)",
    "machine.*.kernel_args.[]",
    "name",
    "summary",
    "system.env.*",
    "system.env.* (key)",
    "system.env.*.prepend.[]",
    "system.groups.[]",
    "user.* (key)",
    "user.*.groups.[]",
}


def everything() -> dict[str, Any]:
    """One rig with every text that it takes, in all fields that take many."""
    rig = copy.deepcopy(PLAIN)
    for number, text in enumerate(HOSTILE.values()):
        for name, value in ((f"TEXT_{number}", text), (f"PATH_{number}", {"prepend": [text]})):
            _try(rig, ("system", "env", name), value)
        _try(rig, ("env", "work", "config", "keras", f"text_{number}"), text)
        _try(rig, ("env", "work", "config", "keras", f"list_{number}"), [text, text])
    return rig


def one(text: str) -> dict[str, Any]:
    """The rig with one text in every field that takes it."""
    rig = copy.deepcopy(PLAIN)
    for field in _carried():
        _, path = place(field)
        changed = with_text(rig, path, text, of_key=field.of_key) if _exists(rig, path) else rig
        rig = changed if _is_read(changed) else rig
    return rig


def _carried() -> Iterator[Field]:
    """Values before keys, because a changed key moves what is below it."""
    found = [field for field in text_fields() if str(field) in CARRIED]
    yield from sorted(found, key=lambda field: (field.of_key, -len(field.path)))


def _exists(rig: Any, path: tuple[Any, ...]) -> bool:
    try:
        for part in path:
            rig = rig[part]
    except (KeyError, IndexError):
        return False
    return True


def _try(rig: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *above, name = path
    table = rig
    for part in above:
        table = table[part]
    table[name] = value
    # Alone it is read faster.
    if not _is_read({"rig": 1, "name": "x", path[0]: rig[path[0]]}):
        del table[name]


def _is_read(rig: dict[str, Any]) -> bool:
    try:
        read_rig(rig)
    except InvalidSpec:
        return False
    return True


@pytest.fixture(scope="module")
def base() -> Path:
    options = ("--include=curl,python3-venv",)
    return make_root("bookworm", KEPT / "hostile", *options)


@pytest.fixture(scope="module")
def machine(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    copy_of_base = tmp_path_factory.mktemp("machine") / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", base, copy_of_base], check=True)
    return Machine(copy_of_base)


def _written(folder: Path, files: tuple[OutputFile, ...]) -> Path:
    write_tree_atomically(folder, files)
    return folder


def _execute(rig: dict[str, Any], machine: Machine, folder: Path) -> None:
    read = read_rig(rig)
    for target, files in artifacts(rig).items():
        EXECUTORS[target](read, _written(folder / target, files), machine)
        machine.is_quiet()


def test_every_target_has_an_executor() -> None:
    assert [backend.name for backend in find_backends() if backend.name not in EXECUTORS] == []


@pytest.fixture(scope="module")
def plain() -> Tree:
    return artifacts(PLAIN)


@pytest.mark.parametrize("field", text_fields(), ids=str)
def test_every_field_in_artifacts_is_executed(field: Field, plain: Tree) -> None:
    """A text of a field that is not among CARRIED must leave no trace in any artifact."""
    name, path = place(field)
    if name != "plain" or str(field) in CARRIED:
        return
    for text in ("x", "no", "a b", "1.2", "/opt/other", "https://example.org/other"):
        rig = with_text(PLAIN, path, text, of_key=field.of_key)
        if _is_read(rig):
            assert artifacts(rig) == plain, f"add {field} to CARRIED"


def test_targets_all_texts_at_once_are_inert(machine: Machine, tmp_path: Path) -> None:
    rig = everything()
    assert len(rig["system"]["env"]) > 100
    _execute(rig, machine, tmp_path)


@pytest.mark.nightly
@pytest.mark.e2e
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_targets_one_text_in_every_field_is_inert(
    text: str, machine: Machine, tmp_path: Path
) -> None:
    _execute(one(text), machine, tmp_path)


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    tool = Buildah(tmp_path_factory.mktemp("store"))
    yield tool
    tool("rm", "--all")


@pytest.fixture(scope="module")
def image(buildah: Buildah, machine: Machine) -> str:
    buildah.image("localhost/base", machine.root.path)
    return "localhost/base"


@pytest.mark.nightly
@pytest.mark.e2e
def test_docker_image_of_all_texts_is_inert(buildah: Buildah, image: str, tmp_path: Path) -> None:
    rig = everything()
    build_image(read_rig(rig), _written(tmp_path, artifacts(rig)["docker"]), buildah, image)
