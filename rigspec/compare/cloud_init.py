"""The compiled cloud-init files of a machine, read back: what its first boot writes and runs."""

from __future__ import annotations

import gzip
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rigspec.compare.items import ComparedItem, fingerprint
from rigspec.fs.atomic_tree import OutputFile

__all__ = ["LIMIT", "PROVIDER", "first_boot_promises"]

# The parts of what is there because a provider takes no more, and of what not all of them read.
LIMIT = "limit"
PROVIDER = "provider"

_USER_DATA = "user-data"
# What travels as the rest of user-data that is too long: a shell script that writes files.
_SEED = "seed/"
_WRITES = ("printf", "%s")
_LAYER = "first boot"
_CHECKSUM = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_GZIP = b"\x1f\x8b"


def first_boot_promises(files: Sequence[OutputFile]) -> Iterator[ComparedItem]:
    """Every file that the first boot writes, every command it runs, and the form of user-data.

    What a machine fetches because user-data would be too long is read as if it stood there. The
    rig's installer and what it is told of itself name their machine: comments do not count.
    """
    content = {file.path: file.content for file in files}
    data = content[_USER_DATA]
    packed = data.startswith(_GZIP)
    config = _loaded((gzip.decompress(data) if packed else data).decode())
    seeds = [path for path in content if path.startswith(_SEED)]
    form = "fetches the rest" if seeds else "compressed" if packed else "as it is"
    yield ComparedItem(_LAYER, "form of user-data", form, part=LIMIT)
    yield from _user_data(config, _fetching(config, seeds))
    for seed in seeds:
        for path, written in _seed_files(content[seed].decode()):
            yield _file(path, written)
    for path in sorted(content.keys() - {_USER_DATA, "meta-data", *seeds}):
        yield ComparedItem(_LAYER, path, "is written", _meaning(content[path].decode()), PROVIDER)


def _user_data(config: Mapping[str, Any], fetching: frozenset[str]) -> Iterator[ComparedItem]:
    """What stands in user-data; ``fetching`` are words of what is there to fetch the rest."""
    for entry in config.get("write_files") or ():
        part = LIMIT if entry["path"] in fetching else ""
        yield _file(entry["path"], entry["content"], part)
    for command in config.get("runcmd") or ():
        words = [command] if isinstance(command, str) else [str(word) for word in command]
        text = words[0] if isinstance(command, str) else shlex.join(words)
        name = _CHECKSUM.sub("\\1\N{HORIZONTAL ELLIPSIS}", f"runs {text}")
        part = LIMIT if fetching & set(words) else ""
        yield ComparedItem(_LAYER, name, "is run", fingerprint(text), part)
    for key in sorted(config.keys() - {"write_files", "runcmd"}):
        yield ComparedItem(_LAYER, key, str(config[key]))


def _fetching(config: Mapping[str, Any], seeds: Sequence[str]) -> frozenset[str]:
    """The program that fetches the rest, and where it puts it: the ends of the command with its
    checksum.
    """
    sums = {seed.removeprefix(_SEED).partition(".")[0] for seed in seeds}
    commands = [c for c in config.get("runcmd") or () if not isinstance(c, str) and sums & set(c)]
    return frozenset(word for command in commands for word in (command[0], command[-1]))


def _file(path: str, content: str, part: str = "") -> ComparedItem:
    return ComparedItem(_LAYER, path, "is written", _meaning(content), part)


def _meaning(text: str) -> str:
    """The checksum of the lines that are no comments: those name the machine and the lock."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return fingerprint("\n".join(lines))


def _seed_files(script: str) -> Iterator[tuple[str, str]]:
    """The files that a seed writes: lines of `printf '%s' CONTENT > PATH`."""
    words = shlex.split(script[script.index("\nprintf ") :])
    for index in range(len(words) - 4):
        if tuple(words[index : index + 2]) == _WRITES and words[index + 3] == ">":
            yield words[index + 4], words[index + 2]


def _loaded(text: str) -> Mapping[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load(text, Loader=loader))  # noqa: S506 - a safe loader, in C where there is one
