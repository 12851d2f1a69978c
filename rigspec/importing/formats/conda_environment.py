"""``environment.yml`` of conda, with the packages of pip in it."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from rigspec.importing.conda_spec import find_channel, read_conda_spec
from rigspec.importing.formats import requirements
from rigspec.importing.model import Reading, SourceText, Statement, Subject, join_readings
from rigspec.importing.yaml_file import YamlFile, read_yaml

__all__ = ["read"]

_NOT_IMPORTED = {"variables": "write it in `env` of `[system]`"}


def read(source: SourceText) -> Reading:
    """Read channels, conda packages and pip packages."""
    file = read_yaml(source)
    dependencies = file.get(file.root, "dependencies")
    parts = [Reading(tuple(_channels(file)))]
    if dependencies is not None:
        parts.append(Reading((Statement(Subject.MANAGER, "conda", file.span(dependencies)),)))
    parts += _dependencies(file, file.items(dependencies), source)
    for key, value in file.entries(file.root):
        if key in _NOT_IMPORTED:
            line = value.start_mark.line + 1
            parts.append(Reading(omissions=(source.omission(key, _NOT_IMPORTED[key], line),)))
    return join_readings(parts)


def _channels(file: YamlFile) -> Iterator[Statement]:
    for node in file.items(file.get(file.root, "channels")):
        text = file.text(node)
        # `nodefaults` excludes the channels of the user's settings, which a rig never uses.
        if text and text != "nodefaults":
            yield Statement(Subject.CHANNEL, text, file.span(node))


def _dependencies(file: YamlFile, nodes: list[yaml.Node], source: SourceText) -> Iterator[Reading]:
    # Without channels, all other packages come from those of the user's settings.
    has_channels = bool(file.items(file.get(file.root, "channels")))
    for node in nodes:
        text = file.text(node)
        if text is not None:
            if text != "pip":
                yield read_conda_spec(text, file.span(node))
                channel = find_channel(text)
                if channel is not None and has_channels:
                    yield Reading((Statement(Subject.CHANNEL, channel, file.span(node)),))
            continue
        for key, value in file.entries(node):
            if key == "pip":
                yield _pip(file, file.items(value), source)


def _pip(file: YamlFile, nodes: list[yaml.Node], source: SourceText) -> Reading:
    """Read the lines that pip gets, at their positions in the file."""
    lines = [""] * (source.text.count("\n") + 1)
    for node in nodes:
        text = file.text(node)
        if text is not None and "\n" not in text:
            lines[node.start_mark.line] = text
    # The requirements are found again in the text of the file, on the same line.
    return requirements.read_lines("\n".join(lines), source)
