"""The valid part of a spec with errors."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from rigspec.spec.loader import InvalidSpec, parse_spec
from rigspec.spec.validation import errors

SPEC = """
rig = 1
name = "lab"

[machine.tower]
os = "ubuntu 24.04"
gpus = [{ model = "RTX 3090", compute_capability = "eight" }]

[user.alice]
envs = "lab"
"""


def test_spec_with_invalid_item_of_array_is_validated_until_errors_stay() -> None:
    """An item of an array cannot be dropped, so nothing of the spec is checked further."""
    find_paths = errors.list_error_paths
    with (
        patch.object(errors, "list_error_paths", side_effect=find_paths) as rounds,
        pytest.raises(InvalidSpec) as failed,
    ):
        parse_spec("rig.toml", SPEC)
    assert failed.value.rest is None
    assert rounds.call_count == 3


def test_spec_with_invalid_keys_of_tables_has_a_valid_rest() -> None:
    with pytest.raises(InvalidSpec) as failed:
        parse_spec("rig.toml", SPEC.replace('"eight"', '"8.6"'))
    assert failed.value.rest is not None
    assert list(failed.value.rest.rig.user) == ["alice"]


@pytest.mark.parametrize("machines", ["[]", '"tower"', "1"])
def test_environment_without_valid_machines_is_not_in_the_rest(machines: str) -> None:
    text = SPEC.replace('"eight"', '"8.6"') + f"[env.lab]\nmachines = {machines}\n[env.other]\n"
    with pytest.raises(InvalidSpec) as failed:
        parse_spec("rig.toml", text)
    assert failed.value.rest is not None
    assert list(failed.value.rest.rig.env) == ["other"]
