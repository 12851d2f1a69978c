"""Strings with a canary in many places of a rig, read by the programs that read each artifact.

A reader here needs no machine; `executors.py` has those that install. An artifact with hostile
texts must have the structure of the same artifact with harmless ones.
"""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from dockerfile_parse import DockerfileParser

from rigspec.fs.atomic_tree import OutputFile, write_tree_atomically
from rigspec.spec.models.rig import Rig
from tests.injection.executors import EXECUTORS, read_yaml

__all__ = ["DOCUMENTS", "FILES", "read_targets", "shape_of"]


def shape_of(value: Any) -> Any:
    """Return the keys and lengths of a document; a text has the shape of any other."""
    if isinstance(value, Mapping):
        return {str(key): shape_of(below) for key, below in value.items()}
    if isinstance(value, list):
        return [shape_of(below) for below in value]
    return type(value).__name__


def read_targets(rig: Rig, targets: Mapping[str, tuple[OutputFile, ...]], folder: Path) -> Any:
    """Write and read the artifacts of every target; return their structure.

    Raises AssertionError if a shell that reads a fragment creates the canary or reads a value that
    the rig does not have.
    """
    found: dict[str, Any] = {}
    for target, files in targets.items():
        write_tree_atomically(folder / target, files)
        if target in ("bashrc", "conda", "sbom", "uv", "packer"):
            EXECUTORS[target](rig, folder / target, None)  # type: ignore[arg-type]
        for file in files:
            read = next((FILES[end] for end in FILES if file.path.endswith(end)), None)
            if read is not None:
                found[f"{target}/{file.path}"] = read(folder / target / file.path)
    return found


def _read_yaml(file: Path) -> Any:
    return shape_of(read_yaml(file))


def _read_tagged_yaml(file: Path) -> Any:
    """Return the keys, the lengths and the tags; Ansible reads the tag `!unsafe`."""
    return _shape_of_node(yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader))


def _shape_of_node(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _shape_of_node(below) for key, below in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_shape_of_node(below) for below in node.value]
    return node.tag


def _read_dockerfile(file: Path) -> Any:
    parser = DockerfileParser(fileobj=BytesIO(file.read_bytes()))
    return [each["instruction"] for each in parser.structure if each["instruction"] != "COMMENT"]


def _read_json(file: Path) -> Any:
    lines = file.read_text(encoding="utf-8").splitlines()
    return shape_of(json.loads("\n".join(x for x in lines if not x.lstrip().startswith("//"))))


def _read_definition(file: Path) -> Any:
    return [x for x in file.read_text(encoding="utf-8").split("\n") if x.startswith("%")]


def _read_script(file: Path) -> Any:
    subprocess.run(["bash", "-n", file], check=True, capture_output=True)
    return "parsed"


# By the end of a path. The conda file has a line for each variable, so it is read in `activate`.
FILES: dict[str, Callable[[Path], Any]] = {
    "user-data": _read_yaml,
    "meta-data": _read_yaml,
    "playbook.yml": _read_tagged_yaml,
    "inventory.example.yml": _read_yaml,
    "compose.yaml": _read_yaml,
    "devcontainer.json": _read_json,
    "Dockerfile": _read_dockerfile,
    "rig.def": _read_definition,
    "install.sh": _read_script,
    "rig-installer.sh": _read_script,
}


def _read_svg(text: str) -> Any:
    """Return the names of the elements and of their attributes."""
    elements = list(ET.fromstring(text).iter())
    return sorted({(each.tag, *sorted(each.attrib)) for each in elements})


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *sorted(name for name, _ in attrs)))


def _read_html(text: str) -> Any:
    parser = _Tags()
    parser.feed(text)
    return sorted(set(parser.found)), sum(tag[0] == "script" for tag in parser.found)


def _read_dot(text: str) -> Any:
    done = subprocess.run(
        ["dot", "-Tplain"], input=text, check=True, capture_output=True, text=True
    )
    kinds = [line.partition(" ")[0] for line in done.stdout.splitlines()]
    return {kind: kinds.count(kind) for kind in ("node", "edge")}


def _read_mermaid(text: str) -> Any:
    lines = text.splitlines()
    # A label in quotes is text, brackets included.
    plain = re.sub(r'"[^"\n]*"', '""', text)
    return [plain.count(c) for c in ('"', "[", "|")], len(lines)


def _read_report(text: str) -> Any:
    return type(json.loads(text)).__name__


# By the words of the command line that prints the document.
DOCUMENTS: dict[tuple[str, ...], Callable[[str], Any]] = {
    ("graph", "--format", "svg"): _read_svg,
    ("graph", "--format", "dot"): _read_dot,
    ("graph", "--format", "mermaid"): _read_mermaid,
    ("compare", "--format", "html"): _read_html,
    ("check", "--format", "sarif"): _read_report,
    ("check", "--format", "json"): _read_report,
    ("check", "--format", "gitlab"): _read_report,
}
