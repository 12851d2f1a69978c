"""Render settings files in the formats that programs read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from rigspec.spec.models.environment import Scalar

__all__ = ["FORMATS", "Settings", "UnwritableSetting", "flatten_settings", "render_settings"]

Value = Scalar | tuple[Scalar, ...]
Settings = Mapping[str, Value | Mapping[str, Value]]

# Section of INI keys without a section.
_DEFAULT_SECTION = "global"


class UnwritableSetting(ValueError):
    """The format cannot represent a value; ``key`` is its dotted name."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


def render_settings(form: str, settings: Settings) -> str:
    """Return the content of the file; it is deterministic.

    Raises:
        UnwritableSetting: if the format cannot represent a value.

    """
    return FORMATS[form](settings)


def flatten_settings(settings: Settings) -> dict[str, Value]:
    """Return the settings with dotted keys, sorted."""
    flattened: dict[str, Value] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flattened.update({f"{key}.{name}": inner for name, inner in value.items()})
        else:
            flattened[key] = value
    return dict(sorted(flattened.items()))


def _render_json(settings: Settings) -> str:
    return json.dumps(settings, indent=4, sort_keys=True) + "\n"


def _render_yaml(settings: Settings) -> str:
    """Return one line per key; JSON values are valid YAML."""
    lines = (
        f"{key}: {json.dumps(settings[key], ensure_ascii=False, sort_keys=True)}\n"
        for key in sorted(settings)
    )
    return "# Written by rigspec.\n" + "".join(lines)


def _render_ini(settings: Settings, percent: str) -> str:
    """Return ``a.b.c`` as the key ``c`` of the section ``a.b``; undotted keys are in ``global``.

    ``percent`` is the escaped percent sign.
    """
    sections: dict[str, dict[str, str]] = {}
    for name, value in flatten_settings(settings).items():
        section, _, key = name.rpartition(".")
        keys = sections.setdefault(section or _DEFAULT_SECTION, {})
        if key.lower() in {other.lower() for other in keys}:
            raise UnwritableSetting(
                name, "keys that differ only in case are the same key in this file"
            )
        keys[key] = _format_ini_value(name, value).replace("%", percent)
    texts = (
        f"[{section}]\n" + "".join(f"{key} = {text}\n" for key, text in keys.items())
        for section, keys in sorted(sections.items())
    )
    return "# Written by rigspec.\n" + "\n".join(texts)


def _format_ini_value(name: str, value: Value) -> str:
    items = value if isinstance(value, tuple) else (value,)
    texts = [_format_scalar(item) for item in items]
    for text in texts:
        if text != text.strip() or " ;" in text or " #" in text or text[:1] in ("#", ";", '"', "'"):
            raise UnwritableSetting(
                name, "an INI value cannot start or end with a space or contain a comment"
            )
    # Several values: one indented line each.
    return texts[0] if len(texts) == 1 else "".join(f"\n    {text}" for text in texts)


def _render_colon(settings: Settings) -> str:
    return "# Written by rigspec.\n" + "".join(_iterate_colon_lines(settings))


def _iterate_colon_lines(settings: Settings) -> Iterator[str]:
    for name, value in flatten_settings(settings).items():
        items = value if isinstance(value, tuple) else (value,)
        text = ", ".join(str(item) for item in items)
        if "#" in text:
            raise UnwritableSetting(name, "`#` starts a comment; write a colour without it")
        if text != text.strip():
            raise UnwritableSetting(name, "a value cannot start or end with a space")
        yield f"{name}: {text}\n"


def _format_scalar(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


FORMATS: dict[str, Callable[[Settings], str]] = {
    "json": _render_json,
    "yaml": _render_yaml,
    "ini": partial(_render_ini, percent="%"),
    "ini-percent": partial(_render_ini, percent="%%"),
    "colon": _render_colon,
}
