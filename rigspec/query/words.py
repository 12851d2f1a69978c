"""Read a question from words: `RTX 5090 vllm`, `torch 2.4 on 8x H100`, `g6.xlarge jax`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rigspec.matrix.loader import load_matrix
from rigspec.matrix.part_lookup import find_part
from rigspec.query.machine_words import read_machine_words
from rigspec.query.question import BadQuestion, Question, Requested, parse_request

__all__ = ["read_words", "read_words_about"]

# Words of a sentence around the names, never packages.
_CONNECTIVES = ("a", "an", "and", "for", "in", "on", "the", "under", "using", "with")
# `NVIDIA RTX PRO 6000 Blackwell Workstation Edition`.
_LONGEST_NAME = 7
# `8x H100`, and the instances of Lambda: `gpu_8x_h100_sxm5`.
_COUNT_BEFORE = re.compile(r"(?:gpu_)?(\d+)[\s_]*x[\s_]*(?=[A-Za-z]|\d{3})", re.IGNORECASE)
_COUNT_AFTER = re.compile(r"(?<!\s)\s+x\s*(\d+)$", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][\w.-]*")
_VERSION = re.compile(r"v?\d+(\.\w+)+(\+\w+)?|v?\d{1,2}")
# A part of a sentence: not one of a requirement with operators, extras or an address.
_WORD = re.compile(r"[\w.+-]+")
_OPERATOR = re.compile(r"[=<>~!]")


@dataclass(frozen=True)
class _Machine:
    """The words ``start`` to ``end`` name this machine."""

    question: Question
    start: int
    end: int

    @property
    def name(self) -> str:
        return self.question.instance or self.question.gpu or ""


def read_words(words: Sequence[str]) -> Question:
    """Return the machine and the packages that words name, in any order.

    A name of several words need not be quoted, and a whole sentence can be. The words after `on`
    are a GPU, and so is the first word if there is no other GPU and it is not a package.

    Raises:
        BadQuestion: A requirement cannot be read, or the words name several GPUs.

    """
    if not words:
        raise BadQuestion("name a GPU, packages, or both")
    fields, words = read_machine_words([part for word in words for part in _split_sentence(word)])
    machine = _find_machine(words)
    question = machine.question if machine is not None else Question()
    if machine is not None:
        words = [*words[: machine.start], *words[machine.end :]]
        other = _find_machine(words)
        if other is not None:
            raise BadQuestion(
                f"cannot check `{machine.name}` and `{other.name}` together: name one"
            )
    given: dict[str, Any] = {**fields}
    systems, rest = read_machine_words(words, any_release=True)
    unknown = _find_unknown_gpu(rest) if machine is None else None
    if unknown is None:
        return read_words_about(replace(question, **given), words)
    rest = [*rest[: unknown.start], *rest[unknown.end :]]
    given.update(systems)
    return read_words_about(replace(unknown.question, **given), rest)


def read_words_about(machine: Question, words: Sequence[str]) -> Question:
    """Return the question about a machine whose GPU is not in the words.

    Raises BadQuestion.
    """
    fields, words = read_machine_words(words, any_release=True)
    given: dict[str, Any] = {**fields}
    return replace(machine, **given, requests=_parse_requests(_drop_connectives(words)))


def _split_sentence(word: str) -> list[str]:
    """Return the words of a quoted sentence; a name of several words stays one."""
    parts = word.split(" ")
    if len(parts) == 1 or not all(map(_WORD.fullmatch, parts)):
        return [word]
    machine = _find_machine(parts)
    others = [*parts[: machine.start], *parts[machine.end :]] if machine is not None else parts[:1]
    # `RTX 5090 Ti` is the name of a GPU, too, although `RTX 5090` is one.
    names_packages = bool(others) and all(map(_is_package, others))
    is_sentence = names_packages or not set(_CONNECTIVES).isdisjoint(parts)
    # `cuda 12.8 driver 570`
    is_sentence = is_sentence or not read_machine_words(parts)[1]
    return parts if is_sentence else [word]


def _drop_connectives(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in _CONNECTIVES]


def _parse_requests(words: Sequence[str]) -> tuple[Requested, ...]:
    """Return the package of each word; a version can be a word after it."""
    return tuple(map(parse_request, _join_versions(words)))


def _join_versions(words: Sequence[str]) -> Iterator[str]:
    name = ""
    for word in words:
        if name and _VERSION.fullmatch(word):
            name = f"{name} {word}"
            continue
        if name:
            yield name
        name = word if _NAME.fullmatch(word) else ""
        if not name:
            yield word
    if name:
        yield name


def _find_machine(words: Sequence[str]) -> _Machine | None:
    """Return the first GPU or instance that the matrix knows, by the longest name."""
    matrix = load_matrix(["gpu", "instance"])
    for start in range(len(words)):
        for end in range(min(len(words), start + _LONGEST_NAME), start, -1):
            name, count = _split_count(" ".join(words[start:end]))
            if find_part(matrix.product("gpu"), name) is not None:
                return _Machine(Question(gpu=name, gpu_count=count), start, end)
            if find_part(matrix.product("instance"), name) is not None:
                return _Machine(Question(instance=name), start, end)
    return None


def _split_count(text: str) -> tuple[str, int]:
    """Split `8x H100` and `H100 x8`."""
    count = _COUNT_BEFORE.match(text) or _COUNT_AFTER.search(text)
    return (text, 1) if count is None else (text.replace(count[0], "", 1), int(count[1]))


def _find_unknown_gpu(words: Sequence[str]) -> _Machine | None:
    if "on" in words[1:-1]:
        start = words.index("on", 1) + 1
        ends = (i for i in range(start, len(words)) if words[i] in _CONNECTIVES)
        end = next(ends, len(words))
        return _Machine(Question(gpu=" ".join(words[start:end])), start, end)
    if not words or _is_package(words[0]) or words[0] in _CONNECTIVES:
        return None
    return _Machine(Question(gpu=words[0]), 0, 1)


def _is_package(word: str) -> bool:
    """Return whether a word is a requirement with an operator, or a package of the matrix."""
    if _OPERATOR.search(word):
        return True
    try:
        return parse_request(word).product is not None
    except BadQuestion:
        return False
