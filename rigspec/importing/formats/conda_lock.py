"""``conda-lock.yml``: the locked packages of Linux on x86_64."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from rigspec.importing.conda_spec import read_locked_package
from rigspec.importing.model import Reading, SourceText, Statement, Subject, join_readings
from rigspec.importing.yaml_file import YamlFile, read_yaml

__all__ = ["read"]

_PLATFORM = "linux-64"


def read(source: SourceText) -> Reading:
    """Read channels and packages; packages of other categories than `main` are optional."""
    file = read_yaml(source)
    packages = file.get(file.root, "package")
    return join_readings([Reading(tuple(_channels(file))), *_packages(file, packages, source)])


def _channels(file: YamlFile) -> Iterator[Statement]:
    for node in file.items(file.get(file.root, "metadata", "channels")):
        url = file.get(node, "url") if isinstance(node, yaml.MappingNode) else node
        text = file.text(url)
        if url is not None and text and text != "nodefaults":
            yield Statement(Subject.CHANNEL, text, file.span(url))


def _packages(file: YamlFile, packages: yaml.Node | None, source: SourceText) -> Iterator[Reading]:
    if packages is not None:
        yield Reading((Statement(Subject.MANAGER, "conda", file.span(packages)),))
    platforms = set()
    for node in file.items(packages):
        fields = dict(file.entries(node))
        values = {key: file.text(value) for key, value in fields.items()}
        name, version = values.get("name"), values.get("version")
        platforms.add(values.get("platform"))
        if values.get("platform") != _PLATFORM or not name or not version:
            continue
        span = file.span(fields["version"])
        if values.get("category", "main") != "main":
            continue
        if values.get("manager") == "pip":
            yield Reading((Statement(Subject.PACKAGE, f"=={version}", span, name=name),))
        else:
            yield read_locked_package(name, version, span)
    if platforms and _PLATFORM not in platforms:
        others = ", ".join(sorted(filter(None, platforms)))
        line = packages.start_mark.line + 1 if packages is not None else 1
        yield Reading(omissions=(source.omission(others, f"no {_PLATFORM} packages", line),))
