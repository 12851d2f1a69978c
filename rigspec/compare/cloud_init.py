"""Read the compiled cloud-init files of a machine: files and commands of its first boot."""

from __future__ import annotations

import gzip
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rigspec.backend.short_checksums import remove_program_comments
from rigspec.compare.items import ComparedItem, compute_fingerprint
from rigspec.fs.atomic_tree import OutputFile
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import APT_SOURCE_LINE

__all__ = ["LIMIT", "PROVIDER", "iterate_first_boot_items"]

# Items that exist because of a provider's size limit, and files that only some providers read.
LIMIT = "limit"
PROVIDER = "provider"

_USER_DATA = "user-data"
# Folder of the shell scripts with the files that do not fit into user-data.
_SEED = "seed/"
_WRITES = ("printf", "%s")
_LAYER = "first boot"
_CHECKSUM = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_GZIP = b"\x1f\x8b"
_INSTALLER = "/opt/rig/install/install.sh"
# The functions of the installer that are not the same for every rig.
_PLAN = re.compile(r"(?ms)^(?:load_plan|run_checks)\(\) \{.*?^\}$")
# A call that completes the checksums of a file of the lock.
_COMPLETION = re.compile(r"(?m)^  complete_\w+ (\S+) .*\n")
# The title of a step, which is empty where space is short.
_TITLE = re.compile(r"""(?m)^(  step \S+) (?:'[^']*'|"[^"]*"|[^\s'"])+ """)
# On premises, the installer copies its files from the first folder to the second.
_DELIVERED, _INSTALLED = "/opt/rig/install/files/", "/opt/rig/lock/"


def iterate_first_boot_items(
    files: Sequence[OutputFile], lock_files: Mapping[str, str] = MappingProxyType({})
) -> Iterator[ComparedItem]:
    """Yield every file and command of the first boot, and the form of user-data.

    ``lock_files`` are the contents of the lock's files, for those that user-data has with short
    checksums.

    Downloaded seed files are treated like a part of user-data. Comments are ignored, because they
    contain the name of the machine.
    """
    content = {file.path: file.content for file in files}
    data = content[_USER_DATA]
    packed = data.startswith(_GZIP)
    config = _load_yaml((gzip.decompress(data) if packed else data).decode())
    seeds = [path for path in content if path.startswith(_SEED)]
    completed = _find_completed_files(config)
    form = "compressed" if packed else "plain"
    form = "with downloads" if seeds else f"{form}, short checksums" if completed else form
    yield ComparedItem(_LAYER, "form of user-data", form, part=LIMIT)
    texts = {_INSTALLED + name: lock_files[name] for name in completed}
    yield from _iterate_user_data(config, _find_download_words(config, seeds), texts)
    for seed in seeds:
        for path, written in _iterate_seed_files(content[seed].decode()):
            yield _build_file_item(path, written)
    for path in sorted(content.keys() - {_USER_DATA, "meta-data", *seeds}):
        yield ComparedItem(
            _LAYER, path, "written", _hash_without_comments(content[path].decode()), PROVIDER
        )


def _iterate_user_data(
    config: Mapping[str, Any], fetching: frozenset[str], completed: Mapping[str, str]
) -> Iterator[ComparedItem]:
    """Yield the items of user-data.

    ``fetching`` are the words of the download command, ``completed`` the contents of files that the
    first boot completes.
    """
    for entry in config.get("write_files") or ():
        part = LIMIT if entry["path"] in fetching else ""
        content = completed.get(entry["path"], entry["content"])
        yield _build_file_item(entry["path"], content, part)
    for command in config.get("runcmd") or ():
        words = [command] if isinstance(command, str) else [str(word) for word in command]
        text = words[0] if isinstance(command, str) else shlex.join(words)
        name = _CHECKSUM.sub("\\1\N{HORIZONTAL ELLIPSIS}", f"runs {text}")
        part = LIMIT if fetching & set(words) else ""
        yield ComparedItem(_LAYER, name, "executed", compute_fingerprint(text), part)
    for key in sorted(config.keys() - {"write_files", "runcmd"}):
        yield ComparedItem(_LAYER, key, str(config[key]))


def _find_download_words(config: Mapping[str, Any], seeds: Sequence[str]) -> frozenset[str]:
    """Return the first and last word of each download command: the program and the folder."""
    sums = {seed.removeprefix(_SEED).partition(".")[0] for seed in seeds}
    commands = [c for c in config.get("runcmd") or () if not isinstance(c, str) and sums & set(c)]
    return frozenset(word for command in commands for word in (command[0], command[-1]))


def _find_completed_files(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the lock's files that the installer completes."""
    entries = config.get("write_files") or ()
    plans = [_read_plan(entry["content"]) for entry in entries if entry["path"] == _INSTALLER]
    return [name for plan in plans for name in _COMPLETION.findall(plan)]


def _read_plan(installer: str) -> str:
    """Return the functions of the installer that differ between rigs, a line for each call."""
    return re.sub(r" \\\n +", " ", "\n".join(_PLAN.findall(installer)))


def _build_file_item(path: str, content: str, part: str = "") -> ComparedItem:
    """Return a file by the path where the steps read it.

    Of the installer, the plan is compared: the functions for a cloud machine are fewer.
    """
    path = path.replace(_DELIVERED, _INSTALLED, 1) if path.startswith(_DELIVERED) else path
    if path == _INSTALLER:
        content = _TITLE.sub(r"\1 ", _COMPLETION.sub("", _read_plan(content)))
    if path.endswith(f"/{APT_SOURCE_LINE}"):
        part = LIMIT  # left out where space is short
    program = remove_program_comments(PayloadFile(path, content))
    return ComparedItem(_LAYER, path, "written", _hash_without_comments(program.content), part)


def _hash_without_comments(text: str) -> str:
    """Return the checksum of the text without comments, which name the machine and the lock."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return compute_fingerprint("\n".join(lines))


def _iterate_seed_files(script: str) -> Iterator[tuple[str, str]]:
    """Yield path and content of each file: lines of `printf '%s' CONTENT > PATH`."""
    words = shlex.split(script[script.index("\nprintf ") :])
    for index in range(len(words) - 4):
        if tuple(words[index : index + 2]) == _WRITES and words[index + 3] == ">":
            yield words[index + 4], words[index + 2]


def _load_yaml(text: str) -> Mapping[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load(text, Loader=loader))  # noqa: S506 - a safe loader, in C if available
