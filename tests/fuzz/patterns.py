"""The regular expressions of rigspec, and texts on which a backtracking matcher takes long."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

__all__ = ["find_slow_text", "list_patterns"]

_MODULES = ("re._parser", "re._constants")
if sys.version_info < (3, 11):
    _MODULES = ("sre_parse", "sre_constants")
parser, constants = (cast(Any, importlib.import_module(name)) for name in _MODULES)

_ROOT = Path(__file__).resolve().parents[2]
_FUNCTIONS = frozenset(
    {"compile", "findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn"}
)
_METHODS = "findall|finditer|fullmatch|match|search|split|sub"
_REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT)
# A repetition with a lower limit than this cannot take long.
_UNBOUNDED = 50
_CHARACTERS = "a A0.,:;-_/=\"'[]{}()<>@#$`\\|\t\n"
_SUFFIXES = ("", "!", "\n", "\0\u00e9")
# A pattern of exponential time is noticed at a length where it still ends.
_LENGTHS = (18, 27, 60, 2000)
# A linear pattern takes 0.1 ms for this length, a quadratic one 20 ms or more.
_SECONDS = 0.006

Usage = tuple[str, int, frozenset[str]]  # expression, flags, methods


def list_patterns(file: Path) -> Iterator[Usage]:
    """Yield each constant expression of a module with the methods that it is used with."""
    text = file.read_text()
    module = ".".join(file.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__init__")
    for call, name in _calls(ast.parse(text)):
        pattern, flags = _evaluate(call, module)
        if pattern is None:
            continue
        methods = {call.func.attr}
        if methods == {"compile"}:
            found = re.findall(rf"\b{name}\.({_METHODS})\b", text) if name else []
            methods = set(found) or {"search"}
        yield pattern, flags, frozenset(methods)


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls of functions of `re` with the name that each is assigned to."""
    nodes = list(ast.walk(tree))
    names = {
        id(node.value): target.id
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        if isinstance(node, ast.Call) and _is_of_re(node.func):
            yield node, names.get(id(node), "")


def _is_of_re(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in _FUNCTIONS
    )


def _evaluate(call: ast.Call, module: str) -> tuple[str | None, int]:
    """Return the expression and its flags; None if it depends on variables of a function."""
    names = vars(importlib.import_module(module))
    flags = call.args[1:] if call.func.attr == "compile" else []
    flags = [*flags, *(each.value for each in call.keywords if each.arg == "flags")]
    try:
        pattern = eval(ast.unparse(call.args[0]), {**names})
        value = sum(int(eval(ast.unparse(flag), {**names})) for flag in flags)
    except (NameError, AttributeError):
        return None, 0
    return pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern, value


def find_slow_text(pattern: str, flags: int, methods: Iterable[str]) -> tuple[str, str] | None:
    """Return a method and a text whose time grows faster than its length, or None."""
    compiled = re.compile(pattern, flags)
    repeats = set(_repeats(parser.parse(pattern, flags)))
    prefixes = sorted({"", *(prefix for prefix, _ in repeats)})
    bodies = {body for _, body in repeats if body}
    pumps = sorted({*_CHARACTERS, "a.", "a ", "\na", "a\n", *bodies, *(f"{b} " for b in bodies)})
    if not repeats:
        return None
    for prefix in prefixes:
        for pump in pumps:
            for suffix in _SUFFIXES:
                for method in sorted(methods):
                    if _is_slow(compiled, method, prefix, pump, suffix):
                        return method, f"{prefix!r} + {pump!r} * n + {suffix!r}"
    return None


def _is_slow(compiled: re.Pattern[str], method: str, prefix: str, pump: str, suffix: str) -> bool:
    for length in _LENGTHS:
        text = prefix + pump * (length // len(pump)) + suffix
        if all(_time(compiled, method, text) > _SECONDS for _ in range(3)):
            return True
    return False


def _time(compiled: re.Pattern[str], method: str, text: str) -> float:
    start = time.process_time()
    function = getattr(compiled, method)
    if method == "finditer":
        list(function(text))
    elif method == "sub":
        function("", text)
    else:
        function(text)
    return time.process_time() - start


def _repeats(items: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield a shortest text up to each unbounded repetition, and one of what is repeated."""
    for operator, value in items:
        if operator in _REPEATS:
            _, most, body = value
            if most >= _UNBOUNDED:
                yield prefix, _shortest(body)
            yield from _repeats(body, prefix)
        elif operator is constants.SUBPATTERN:
            yield from _repeats(value[3], prefix)
        elif operator is constants.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch, prefix)
        prefix += _shortest([(operator, value)])


def _shortest(items: Iterable[Any]) -> str:
    return "".join(_shortest_of(operator, value) for operator, value in items)


def _shortest_of(operator: Any, value: Any) -> str:
    if operator is constants.LITERAL:
        return chr(value)
    if operator in (constants.IN, constants.NOT_LITERAL, constants.ANY):
        candidates = (*_CHARACTERS, *map(chr, range(33, 256)))
        return next((c for c in candidates if _admits(operator, value, c)), "a")
    if operator in _REPEATS:
        return _shortest(value[2]) * int(value[0])
    if operator is constants.SUBPATTERN:
        return _shortest(value[3])
    return _shortest(value[1][0]) if operator is constants.BRANCH else ""


def _admits(operator: Any, value: Any, character: str) -> bool:
    if operator is constants.ANY:
        return character != "\n"
    if operator is constants.NOT_LITERAL:
        return ord(character) != int(value)
    is_negated = value[0][0] is constants.NEGATE
    return is_negated != any(_is_in(each, item, character) for each, item in value)


def _is_in(operator: Any, item: Any, character: str) -> bool:
    if operator is constants.LITERAL:
        return ord(character) == int(item)
    if operator is constants.RANGE:
        return int(item[0]) <= ord(character) <= int(item[1])
    classes = {"SPACE": r"\s", "WORD": r"\w", "DIGIT": r"\d"}
    if operator is constants.CATEGORY:
        _, _, name = str(item).partition("CATEGORY_")
        is_other = name.startswith("NOT_")
        return is_other != bool(re.match(classes[name.removeprefix("NOT_")], character))
    return False
