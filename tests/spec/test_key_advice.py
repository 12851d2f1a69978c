"""The table of words of other programs is about keys that the language does not have."""

from __future__ import annotations

import tomli

from rigspec.package_files import locate_package_file
from rigspec.spec.json_schema import list_known_keys
from rigspec.spec.validation import advice


def test_key_advice_is_about_unknown_keys_of_known_tables() -> None:
    file = locate_package_file(advice.__file__, "key_advice.toml")
    for row in tomli.loads(file.read_text(encoding="utf-8"))["row"]:
        path = tuple(row["table"].split(".")) if row["table"] else ()
        known = list_known_keys(path)
        if path[2:] in (("packages",), ("frameworks",)):
            assert row["keys"] == ["*"]
            assert path[2] in list_known_keys(path[:2])
            continue
        assert known, row
        has_value = "found" in row or "values" in row
        assert all((key in known) is has_value for key in row["keys"]), row
