"""The settings files of programs, each in the format that it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from rigspec.spec.models.environment import Scalar

__all__ = ["FORMATS", "Settings", "Unwritable", "flat", "settings_text"]

Value = Scalar | tuple[Scalar, ...]
Settings = Mapping[str, Value | Mapping[str, Value]]

# Where an INI file has a key that names no section.
_SECTION = "global"


class Unwritable(ValueError):
    """A value cannot stand in the format: ``key`` is its dotted name, ``why`` what is wrong."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key = key
        self.why = why


def settings_text(form: str, settings: Settings) -> str:
    """The whole file: the same text for the same settings. Raises Unwritable."""
    return FORMATS[form](settings)


def flat(settings: Settings) -> dict[str, Value]:
    """Keys with a dot for each table, sorted."""
    found: dict[str, Value] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found.update({f"{key}.{below}": inner for below, inner in value.items()})
        else:
            found[key] = value
    return dict(sorted(found.items()))


def _json(settings: Settings) -> str:
    return json.dumps(settings, indent=4, sort_keys=True) + "\n"


def _yaml(settings: Settings) -> str:
    """A key a line; what JSON writes is YAML."""
    lines = (
        f"{key}: {json.dumps(settings[key], ensure_ascii=False, sort_keys=True)}\n"
        for key in sorted(settings)
    )
    return "# Written by rigspec.\n" + "".join(lines)


def _ini(settings: Settings, percent: str) -> str:
    """``a.b.c`` is the key ``c`` in the section ``a.b``; what has no dot is in the section global.

    ``percent`` is what a percent sign is written as.
    """
    sections: dict[str, dict[str, str]] = {}
    for name, value in flat(settings).items():
        section, _, key = name.rpartition(".")
        held = sections.setdefault(section or _SECTION, {})
        if key.lower() in {other.lower() for other in held}:
            raise Unwritable(name, "keys of this file that differ by case alone are one key")
        held[key] = _ini_value(name, value).replace("%", percent)
    texts = (
        f"[{section}]\n" + "".join(f"{key} = {text}\n" for key, text in held.items())
        for section, held in sorted(sections.items())
    )
    return "# Written by rigspec.\n" + "\n".join(texts)


def _ini_value(name: str, value: Value) -> str:
    words = [_plain(item) for item in value] if isinstance(value, tuple) else [_plain(value)]
    for word in words:
        if word != word.strip() or " ;" in word or " #" in word or word[:1] in ("#", ";", '"', "'"):
            raise Unwritable(
                name, "an INI file has no quotes: no spaces at an end, no comment in a value"
            )
    # A line for each of several: what follows the first is moved in.
    return words[0] if len(words) == 1 else "".join(f"\n    {word}" for word in words)


def _colon(settings: Settings) -> str:
    return "# Written by rigspec.\n" + "".join(_colon_lines(settings))


def _colon_lines(settings: Settings) -> Iterator[str]:
    for name, value in flat(settings).items():
        items = value if isinstance(value, tuple) else (value,)
        text = ", ".join(str(item) for item in items)
        if "#" in text:
            raise Unwritable(name, "`#` begins a comment: write a colour without it")
        if text != text.strip():
            raise Unwritable(name, "spaces at an end of a value are lost")
        yield f"{name}: {text}\n"


def _plain(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


FORMATS: dict[str, Callable[[Settings], str]] = {
    "json": _json,
    "yaml": _yaml,
    "ini": partial(_ini, percent="%"),
    "ini-percent": partial(_ini, percent="%%"),
    "colon": _colon,
}
