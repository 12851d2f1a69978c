"""Without a Python in the spec, an old framework gets one of its time."""

from __future__ import annotations

import datetime as dt

import pytest

from rigspec.matrix.loader import load_matrix
from rigspec.resolve.explain.why import explain_component
from rigspec.spec.loader import parse_spec
from tests.resolve.rigs import check_text

SPEC = """
rig = 1
name = "lab"
[machine.box]
os = "ubuntu 24.04"
[env.lab]
interpreter = "{interpreter}"
frameworks = {{ {frameworks} }}
{more}
"""


def resolve_python(frameworks: str, interpreter: str = "pyenv", more: str = "") -> str:
    report = check_text(SPEC.format(interpreter=interpreter, frameworks=frameworks, more=more))
    assert report.resolution is not None, report.diagnostics
    (env,) = report.resolution.envs
    return ".".join(env.python.split(".")[:2])


def test_python_series_have_the_day_of_their_first_release() -> None:
    releases = load_matrix().product("python").releases
    days = [dt.date.fromisoformat(str(release.get("first_released"))) for release in releases]
    assert days == sorted(days)
    assert len(days) == len(set(days))


@pytest.mark.parametrize(
    ("frameworks", "python"),
    [
        ('chainer = "4.0"', "3.6"),
        ('chainer = "7.8"', "3.10"),
        ('fastai = "1.0"', "3.8"),
        ('fastai = "2.0"', "3.8"),
        ('mxnet = "1.1"', "3.6"),
        ('theano = "0.9"', "3.6"),
        # The newest of several decides.
        ('theano = "0.9", chainer = "7.8"', "3.9"),
        # Wheels bound these.
        ('torch = "1.0"', "3.7"),
        ('jax = "*"', "3.14"),
    ],
)
def test_open_python_existed_with_the_frameworks(frameworks: str, python: str) -> None:
    assert resolve_python(frameworks) == python


def test_open_python_of_uv_is_the_oldest_that_it_has() -> None:
    assert resolve_python('chainer = "4.0"', "uv") == "3.8"


def test_open_python_of_an_installer_existed_with_the_frameworks() -> None:
    """Keras 1.2 imports names that Python 3.10 no longer has."""
    frameworks = 'keras = "1.2", theano = "1.0"'
    assert resolve_python(frameworks, "conda") == "3.8"


def test_python_of_the_system_is_taken_as_it_is() -> None:
    text = SPEC.format(interpreter="system", frameworks='mxnet = "1.1"', more="")
    assert resolve_python('mxnet = "1.1"', "system") == "3.12"
    assert check_text(text).status == "ok"


def test_python_of_the_spec_is_taken_as_it_is() -> None:
    assert resolve_python('mxnet = "1.1"', more='python = "3.12"') == "3.12"


def test_why_explains_python_of_the_time_of_the_framework() -> None:
    text = SPEC.format(interpreter="pyenv", frameworks='chainer = "4.0"', more="")
    (note,) = explain_component(parse_spec("rig.toml", text), "box", load_matrix(), "python")
    assert "because newer series were released after the frameworks" in note.message


@pytest.mark.parametrize(("version", "newest"), [("4.3.1", (3, 9)), ("7.8.1", (3, 11))])
def test_python_of_the_system_runs_the_code_of_an_old_framework(
    version: str, newest: tuple[int, int]
) -> None:
    spec = f'rig = 1\nname = "lab"\n[env.lab]\nframeworks = {{ chainer = "{version}" }}\n'
    report = check_text(spec)
    assert report.resolution is not None, report.diagnostics
    major, minor = report.resolution.envs[0].python.split(".")[:2]
    assert (int(major), int(minor)) <= newest
