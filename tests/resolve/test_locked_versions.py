"""Versions of an earlier lock: kept where they still fit, unless a name asks for newer ones."""

from __future__ import annotations

import pytest

from rigspec.check import check_machine
from rigspec.resolution import Resolution
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import parse_spec

RIG = """
rig = 1
name = "box"
[machine.box]
os = "ubuntu 24.04"
gpus = ["RTX 4090"]
driver = "{driver}"
[cuda]
toolkit = "{toolkit}"
cudnn = "{cudnn}"
[env.lab]
python = "3.12"
frameworks = {{ torch = "{torch}", jax = "{jax}" }}
"""
OLDER = {"driver": "580", "toolkit": "12.8", "cudnn": "9.8", "torch": "2.12.0", "jax": "0.7"}
FREE = dict.fromkeys(OLDER, "*")


def resolve(
    versions: dict[str, str], kept: Resolution | None = None, moving: tuple[str, ...] = ()
) -> Resolution:
    spec = parse_spec("rig.toml", RIG.format(**versions))
    matrix = load_required_matrix(spec.rig, "box")
    report = check_machine(spec, "box", matrix, kept=kept, moving=moving)
    assert report.resolution is not None, report.diagnostics
    return report.resolution


def list_versions(resolution: Resolution) -> dict[str, str | None]:
    (env,) = resolution.envs
    frameworks = {pin.name: pin.version for pin in env.frameworks}
    return {
        "driver": resolution.driver,
        "cuda": resolution.cuda,
        "cudnn": resolution.cudnn,
        **frameworks,
    }


def test_locked_versions_are_kept_where_newer_ones_exist() -> None:
    locked, newest = resolve(OLDER), resolve(FREE)
    before, after = list_versions(locked), list_versions(newest)
    assert all(before[name] != after[name] for name in before), (before, after)

    assert list_versions(resolve(FREE, kept=locked)) == before


@pytest.mark.parametrize("name", ["driver", "cudnn", "torch", "jax"])
def test_locked_version_that_a_name_upgrades_is_the_newest(name: str) -> None:
    locked, newest = resolve(OLDER), list_versions(resolve(FREE))
    found = list_versions(resolve(FREE, kept=locked, moving=(name,)))

    assert found[name] != list_versions(locked)[name]
    others = {other: version for other, version in found.items() if other != name}
    assert others == {
        other: version for other, version in list_versions(locked).items() if other != name
    }, newest


def test_locked_version_that_no_longer_fits_is_replaced() -> None:
    locked = resolve(OLDER)
    found = list_versions(resolve({**FREE, "torch": ">=2.13"}, kept=locked))
    assert found["torch"] != list_versions(locked)["torch"]
    assert found["jax"] == list_versions(locked)["jax"]


def test_locked_python_is_kept_if_it_is_newer_than_the_frameworks() -> None:
    """Without a lock, a Python is taken that existed with the framework."""
    text = RIG.partition("[cuda]")[0].format(driver="*") + "[env.lab]\n{python}\n"
    text += 'interpreter = "uv"\nframeworks = {{ chainer = "7.8" }}\n'
    matrix = load_required_matrix(parse_spec("rig.toml", text.format(python="")).rig, "box")

    def find_python(line: str, kept: Resolution | None = None) -> Resolution:
        spec = parse_spec("rig.toml", text.format(python=line))
        report = check_machine(spec, "box", matrix, kept=kept)
        assert report.resolution is not None, report.diagnostics
        return report.resolution

    locked = find_python('python = "3.11"')
    assert locked.envs[0].python.startswith("3.11")
    assert not find_python("").envs[0].python.startswith("3.11")

    assert find_python("", kept=locked).envs[0].python == locked.envs[0].python
