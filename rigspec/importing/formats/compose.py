"""``compose.yaml``: the image and the GPUs of a service."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from rigspec.importing.images import read_image
from rigspec.importing.model import Reading, SourceText, join_readings
from rigspec.importing.yaml_file import YamlFile, read_yaml

__all__ = ["read"]

# Where a rig has what a service states besides its image.
_PROGRAM = "`[service.program.NAME]`"
_NOT_IMPORTED = {
    "command": f"write it as `command` of a {_PROGRAM}",
    "entrypoint": f"write it as `command` of a {_PROGRAM}",
    "environment": f"write it as `variables` or `secrets` of a {_PROGRAM}",
    "env_file": f"write it as `variables` or `secrets` of a {_PROGRAM}",
    "ports": f"write it as `port` of a {_PROGRAM}",
    "working_dir": f"write it as `folder` of a {_PROGRAM}",
    "user": f"write it as `user` of a {_PROGRAM}",
    "extends": "another service; import its file as well",
    "volumes": "a rig has no folders of containers",
}
# What decides the image that a Dockerfile builds.
_BUILD = {
    "target": "import the Dockerfile with this `--stage`",
    "args": "a Dockerfile is imported with its own values",
}
_DEVICES = ("deploy", "resources", "reservations", "devices")


def read(source: SourceText) -> Reading:
    """Read the service with GPUs; if none or several have GPUs, the only service."""
    file = read_yaml(source)
    services = list(file.entries(file.get(file.root, "services")))
    with_gpus = [entry for entry in services if _gpu_request(file, entry[1]) is not None]
    chosen = with_gpus or services
    if len(chosen) != 1:
        names = ", ".join(name for name, _ in chosen) or "services"
        line = chosen[0][1].start_mark.line if chosen else 1
        reason = "several services; a rig has one container" if chosen else "no service"
        return Reading(omissions=(source.omission(names, reason, max(line, 1)),))
    others = [entry for entry in services if entry not in chosen]
    skipped = (
        source.omission(name, "a service without GPUs", node.start_mark.line)
        for name, node in others
    )
    return join_readings([*_service(file, source, *chosen[0]), Reading(omissions=tuple(skipped))])


def _service(file: YamlFile, source: SourceText, name: str, node: yaml.Node) -> Iterator[Reading]:
    image, build = file.get(node, "image"), file.get(node, "build")
    text = file.text(image)
    if build is not None:
        line = build.start_mark.line + 1
        reason = "built from a Dockerfile; import it as well"
        yield Reading(omissions=(source.omission(name, reason, line),))
        for key, value in file.entries(build):
            if key in _BUILD:
                line = value.start_mark.line + 1
                omission = source.omission(f"{key} of {name}", _BUILD[key], line)
                yield Reading(omissions=(omission,))
    elif image is not None and text is not None:
        if "$" in text:
            reason = "an image with a variable"
            yield Reading(omissions=(source.omission(text, reason, image.start_mark.line + 1),))
        else:
            yield read_image(text, file.span(image))
    request = _gpu_request(file, node)
    if request is not None:
        reason = "the file does not name the model of the GPUs"
        line = request.start_mark.line + 1
        yield Reading(omissions=(source.omission(f"GPUs of {name}", reason, line),))
    for key, value in file.entries(node):
        if key in _NOT_IMPORTED:
            line = value.start_mark.line + 1
            omission = source.omission(f"{key} of {name}", _NOT_IMPORTED[key], line)
            yield Reading(omissions=(omission,))


def _gpu_request(file: YamlFile, node: yaml.Node) -> yaml.Node | None:
    """Return the node that requests GPUs."""
    for device in file.items(file.get(node, *_DEVICES)):
        names = [file.text(item) for item in file.items(file.get(device, "capabilities"))]
        if file.text(file.get(device, "driver")) == "nvidia" or "gpu" in names:
            return device
    for key in ("gpus", "runtime"):
        value = file.get(node, key)
        if value is not None and (key == "gpus" or file.text(value) == "nvidia"):
            return value
    return None
