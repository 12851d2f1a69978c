"""Settings files, BLAS, threads, groups and quotas: what is written, and what is refused where."""

from __future__ import annotations

import json
from configparser import ConfigParser, RawConfigParser

import pytest
import yaml

from rigspec.check import check_machine
from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lint.blas import find_fallback, find_nvblas_library
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, parse_spec
from rigspec.spec.settings_file import UnwritableSetting, render_settings
from tests.resolve.rigs import check_text

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHqKpmCJkcRsHDqVZDJqqSyzSpHJKEdWBz9ZDkF8q0hB ada"

RIG = """
rig = 1
name = "lab"
[machine.box]
os = "{os}"
gpus = [{{ model = "GTX 1080", count = 2 }}]
[env.one]
python = "{python}"
{env}
"""


def check_rig(
    more: str, *, env: str = "", python: str = "3.6", os: str = "ubuntu 18.04"
) -> list[Diagnostic]:
    """What is said of a rig, less what is said of every rig."""
    text = RIG.format(env=env, python=python, os=os) + more
    try:
        spec = parse_spec("rig.toml", text)
    except InvalidSpec as error:
        return list(error.diagnostics)
    report = check_machine(spec, "box", load_required_matrix(spec.rig, "box"))
    return [d for d in report.diagnostics if d.code not in ("RS301", "RS113", "RS305")]


def test_settings_are_read_back_in_each_format() -> None:
    settings = {"a": 1, "b.c": True, "d": {"e": "50% of it", "f": ("x", "y")}, "g": 0.5}
    assert json.loads(render_settings("json", settings))["d"]["e"] == "50% of it"
    assert yaml.safe_load(render_settings("yaml", settings)) == {
        **settings,
        "d": {"e": "50% of it", "f": ["x", "y"]},
    }
    for form, parser in (("ini", RawConfigParser()), ("ini-percent", ConfigParser())):
        parser.read_string(render_settings(form, settings))
        assert dict(parser["global"]) == {"a": "1", "g": "0.5"}
        assert dict(parser["b"]) == {"c": "true"}
        assert dict(parser["d"]) == {"e": "50% of it", "f": "\nx\ny"}
    lines = render_settings("colon", {"backend": "Agg", "figure": {"figsize": (4, 3)}}).split("\n")
    assert lines == ["# Written by rigspec.", "backend: Agg", "figure.figsize: 4, 3", ""]


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        ("ini", {"a": " x"}),
        ("ini", {"a": "x ; y"}),
        ("ini", {"a": "#x"}),
        ("ini", {"aB": 1, "ab": 2}),
        ("colon", {"axes.facecolor": "#eeeeee"}),
    ],
)
def test_settings_that_a_format_cannot_express_raise_error(
    form: str, settings: dict[str, object]
) -> None:
    with pytest.raises(UnwritableSetting):
        render_settings(form, settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "env", "code", "words"),
    [
        ("[env.one.config.numpy]\nx = 1\n", 'packages = { numpy = "*" }', "RS235", "`numpy`"),
        ("[env.one.config.pip]\nx = ' y'\n", "", "RS236", "pip.conf"),
        ("[env.one.config.conda]\nx = 1\n", "", "RS008", "`conda`"),
        (
            "[env.one.config.theano]\nlib = { cnmem = 0.8 }\n",
            'frameworks = { theano = "1.0" }',
            "RS218",
            "Theano 1.0.5 does not read `lib.cnmem`",
        ),
        (
            '[env.one.config.matplotlib]\n"axes.color_cycle" = "r, g"\n',
            'packages = { matplotlib = "2.2.5" }',
            "RS218",
            "Matplotlib 2.2.5 does not read `axes.color_cycle`",
        ),
        (
            "[env.one.config.theano]\nlib = { cnmem = 0.8 }\n",
            'frameworks = { theano = "0.7.0" }',
            "RS218",
            "Theano 0.7.0 does not read `lib.cnmem`",
        ),
        (
            '[env.one.config.keras]\nbackend = "theano"\n[env.two]\npython = "3.6"\n'
            'frameworks = { keras = "2.2.5", theano = "1.0" }\n'
            '[env.two.config.keras]\nbackend = "tensorflow"\n',
            'frameworks = { keras = "2.2.5", theano = "1.0" }',
            "RS237",
            "~/.keras/keras.json",
        ),
        ("", 'blas = "mkl"', "RS238", "pip cannot"),
        ('[user.ada]\ngroups = ["docker"]\n', "", "RS407", "ada"),
        ('[user.ada]\ngroups = ["staff"]\n', "", "RS407", "ada"),
        ('[user.ada]\ngroups = ["vidoe"]\n', "", "RS008", "vidoe"),
        ('[user.ada]\ngroups = ["render"]\n', "", "RS008", "ubuntu 18.04 has no group `render`"),
        ('[user.ada]\ngroups = ["wheel"]\n', "", "RS008", "a group `wheel` of ubuntu 18.04"),
        ('[user.ada]\nquota = "1 GB"\n', "", "RS408", "ada"),
        ("[service.ssh]\n[user.ada]\n", "", "RS409", "no user has `ssh_keys`"),
        ("[service.ssh]\n", "", "RS409", "the rig has no users"),
        ("[user.ada]\ngpus = [2]\n", "", "RS008", "GPU 2"),
        ('[user.ada]\nenvs = ["twp"]\n', "", "RS008", "twp"),
        (
            '[service.jupyter]\nenv = "one"\n[env.two]\npython = "3.6"\n'
            '[user.ada]\nenvs = ["two"]\n',
            'packages = { notebook = "*" }',
            "RS008",
            "ada cannot use",
        ),
        ('[cuda]\ntoolkit = "10.0"\nnvblas = true\n', "", "RS239", "`one`"),
    ],
)
def test_setting_that_is_invalid_is_reported_at_its_line(
    more: str, env: str, code: str, words: str
) -> None:
    diagnostics = check_rig(more, env=env)
    assert code in [d.code for d in diagnostics], [(d.code, d.message) for d in diagnostics]
    mistake = next(d for d in diagnostics if d.code == code)
    assert words in mistake.message
    assert mistake.spans[0].line > 1


@pytest.mark.parametrize(
    ("more", "env"),
    [
        ('[system]\ngroups = ["vidoe"]\n[user.ada]\ngroups = ["vidoe", "video"]\n', ""),
        ('[system]\npackages = ["quota"]\n[user.ada]\nquota = "1 GB"\n', ""),
        (f'[service.ssh]\n[user.bob]\n[user.ada]\nssh_keys = ["{KEY}"]\n', ""),
        ("[env.one.config.pip]\ntimeout = 60\n", 'blas = "openblas"\nthreads = 8'),
        (
            '[env.one.config.matplotlib]\n"axes.color_cycle" = "r, g"\n',
            'packages = { matplotlib = "2.1.2" }',
        ),
        ('[cuda]\ntoolkit = "10.0"\nnvblas = true\n', 'packages = { mkl = "*" }'),
    ],
)
def test_setting_that_is_valid_is_not_reported(more: str, env: str) -> None:
    new = {"RS008", "RS218", "RS235", "RS236", "RS237", "RS238", "RS239", "RS407", "RS408", "RS409"}
    assert [d.message for d in check_rig(more, env=env) if d.code in new] == []


def test_group_that_the_system_creates_is_not_reported() -> None:
    more = '[user.ada]\ngroups = ["render", "kvm"]\n'
    assert [d.code for d in check_rig(more)].count("RS008") == 2
    assert "RS008" not in [d.code for d in check_rig(more, os="ubuntu 20.04", python="3.8")]


@pytest.mark.parametrize(
    ("mkl", "library"),
    [
        ("2019.0", "lib/libmkl_rt.so"),
        ("2021.4.0", "lib/libmkl_rt.so.1"),
        ("2025.3.1", "lib/libmkl_rt.so.2"),
        ("2026.2.0", "lib/libmkl_rt.so.3"),
    ],
)
def test_nvblas_falls_back_to_the_library_that_the_wheel_of_mkl_has(mkl: str, library: str) -> None:
    assert find_fallback("ubuntu 18.04", {"mkl": mkl}, ()) == library


@pytest.mark.parametrize(
    ("os", "package", "library"),
    [
        ("ubuntu 16.04", "libopenblas-base", "/usr/lib/libopenblas.so.0"),
        ("ubuntu 18.04", "libopenblas-base", "/usr/lib/x86_64-linux-gnu/libopenblas.so.0"),
        (
            "debian 13",
            "libopenblas0-pthread",
            "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0",
        ),
    ],
)
def test_nvblas_falls_back_to_the_blas_of_the_system(os: str, package: str, library: str) -> None:
    assert find_fallback(os, {}, (package,)) == library


@pytest.mark.parametrize(
    ("cuda", "name"),
    [
        ("7.5.18", "libnvblas.so.7.5"),
        ("9.1.85", "libnvblas.so.9.1"),
        ("10.1.243", "libnvblas.so.10"),
        ("12.0.1", "libnvblas.so.12"),
    ],
)
def test_nvblas_is_called_by_the_name_that_its_toolkit_gives_it(cuda: str, name: str) -> None:
    assert find_nvblas_library(cuda) == name


@pytest.mark.parametrize(
    ("group", "errors"),
    [("sudo", ["RS008"]), ("plugdev", ["RS008"]), ("wheel", []), ("docker", [])],
)
def test_group_of_debian_on_a_system_with_dnf_is_refused(group: str, errors: list[str]) -> None:
    report = check_text(
        f'rig = 1\nname = "box"\n[machine.box]\nos = "rocky 9"\n[user.ada]\ngroups = ["{group}"]\n'
    )
    assert [d.code for d in report.diagnostics if d.severity is Severity.ERROR] == errors


@pytest.mark.parametrize(
    ("env", "advice"),
    [
        ('python = "3.6"\nframeworks = { keras = "2.2.4", theano = "1.0" }', 'backend = "theano"'),
        ('python = "2.7"\nframeworks = { keras = "1.2.2", theano = "0.9" }', 'backend = "theano"'),
        ('python = "3.12"\nframeworks = { keras = "3.12", torch = "*" }', 'backend = "torch"'),
        ('python = "3.12"\npackages = { keras = "*", jax = "*" }', 'backend = "jax"'),
        ('python = "3.12"\npackages = { keras = "*" }', "add tensorflow"),
    ],
)
def test_keras_without_its_backend_is_reported_with_what_to_write(env: str, advice: str) -> None:
    found = [d for d in _check_environment(env) if d.code == "RS259"]
    assert [d.severity for d in found] == [Severity.WARNING]
    assert advice in found[0].help[0]
    assert found[0].facts


@pytest.mark.parametrize(
    "env",
    [
        'python = "3.6"\nframeworks = { keras = "2.2.4", tensorflow = "1.12" }',
        'python = "2.7"\nframeworks = { keras = "1.0.8", theano = "0.8.2" }',
        'python = "3.6"\nframeworks = { keras = "2.2.4", theano = "1.0" }\n'
        '[env.lab.config.keras]\nbackend = "theano"',
        'python = "3.12"\npackages = { keras = "*", torch = "*" }\n'
        '[system.env]\nKERAS_BACKEND = "torch"',
    ],
)
def test_keras_with_its_backend_is_not_reported(env: str) -> None:
    assert "RS259" not in [d.code for d in _check_environment(env)]


def _check_environment(env: str) -> tuple[Diagnostic, ...]:
    machine = '[machine.box]\nos = "ubuntu 18.04"\n'
    return check_text(f'rig = 1\nname = "box"\n{machine}[env.lab]\n{env}\n').diagnostics
