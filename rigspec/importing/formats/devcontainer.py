"""``devcontainer.json``: the image, the features for Python and CUDA, and the commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter

from rigspec.importing.images import read_image
from rigspec.importing.json_file import JsonFile, read_json
from rigspec.importing.model import Reading, SourceText, Statement, Subject, join_readings
from rigspec.importing.shell.commands import find_commands
from rigspec.importing.shell.install import read_install_command

__all__ = ["read"]

_FEATURE = re.compile(r"(?:ghcr\.io/devcontainers/features/)?(?P<name>[\w./-]+?)(?::[\w.]+)?")
_VERSIONS = {
    ("python", "version"): Subject.PYTHON,
    ("nvidia-cuda", "cudaVersion"): Subject.CUDA,
    ("nvidia-cuda", "cudnnVersion"): Subject.CUDNN,
}
# Commands that run in the container, in this order.
_COMMANDS = ("onCreateCommand", "updateContentCommand", "postCreateCommand", "postStartCommand")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


def read(source: SourceText) -> Reading:
    """Read the image, the versions of the features and the commands."""
    file = read_json(source)
    return join_readings(
        [
            *_origin(file, source),
            *_features(file, source),
            *_commands(file, source),
            *_gpu(file, source),
        ]
    )


def _origin(file: JsonFile, source: SourceText) -> Iterator[Reading]:
    image = file.get(file.root, "image")
    text = file.text(image)
    if image is not None and text is not None:
        if "$" in text:
            reason = "an image with a variable"
            yield Reading(omissions=(source.omission(text, reason, file.span(image).line),))
        else:
            yield read_image(text, file.span(image))
    for key in ("build", "dockerFile", "dockerComposeFile"):
        node = file.get(file.root, key)
        if node is not None:
            reason = "another file; import it as well"
            yield Reading(omissions=(source.omission(key, reason, file.span(node).line),))


def _features(file: JsonFile, source: SourceText) -> Iterator[Reading]:
    for key, options in file.entries(file.get(file.root, "features")):
        match = _FEATURE.fullmatch(key)
        name = match["name"] if match is not None else key
        found = []
        for option, node in file.entries(options):
            subject, text = _VERSIONS.get((name, option)), file.text(node)
            if subject is not None and text is not None and _NUMBER.fullmatch(text):
                found.append(Statement(subject, text, file.span(node)))
        yield Reading(tuple(found))
        if not found:
            reason = "a feature without a version that a rig has"
            yield Reading(omissions=(source.omission(key, reason, file.span(options).line),))


def _gpu(file: JsonFile, source: SourceText) -> Iterator[Reading]:
    node = file.get(file.root, "hostRequirements", "gpu")
    arguments = [
        item
        for item in file.items(file.get(file.root, "runArgs"))
        if (file.text(item) or "").startswith("--gpus")
    ]
    for found in ([node] if node is not None else []) + arguments:
        reason = "the file does not name the model of the GPUs"
        yield Reading(omissions=(source.omission("GPUs", reason, file.span(found).line),))


def _commands(file: JsonFile, source: SourceText) -> Iterator[Reading]:
    for key in _COMMANDS:
        node = file.get(file.root, key)
        scripts = [value for _, value in file.entries(node)] or ([node] if node is not None else [])
        for script in scripts:
            yield from _command(key, script, file, source)


def _command(
    key: str, node: tree_sitter.Node, file: JsonFile, source: SourceText
) -> Iterator[Reading]:
    """Yield what a command installs; name one that installs something and cannot be read."""
    text = file.text(node)
    found = False
    # With an escape, or as an array, the words are elsewhere than in the text of the command.
    if text is not None and len(text) == node.end_byte - node.start_byte - 2:
        for command in find_commands(text):
            reading = read_install_command(
                command, file.offset(node) + 1, source, lambda word: None if "$" in word else word
            )
            found = found or bool(reading.statements or reading.omissions)
            yield reading
    if not found:
        reason = "a command; only what it installs by name is imported"
        yield Reading(omissions=(source.omission(key, reason, file.span(node).line),))
