"""A target of another distribution: used like ours, and told when it is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from rigspec.backend.manifest import ManifestError, read_manifest
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
Installed = Callable[..., "dict[str, str]"]
Once = Callable[[str, Callable[[Path], None]], Path]

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{distribution}"
version = "1.4"

[project.entry-points."rigspec.backends"]
{package} = "{package}"

[tool.setuptools.packages.find]
include = ["{package}"]

[tool.setuptools.package-data]
{package} = ["*"]
"""
MANIFEST = """
name = "motd"
title = "Message of the day"
summary = "What a user of the rig reads at log-in."
supports = ["environment", "variables"]

[[outputs]]
path = "motd.sh"
template = "motd.sh.j2"
mode = "0755"

[[outputs]]
path = "envs/{name}.txt"
template = "env.txt.j2"
each = "environment"

[[excludes]]
kinds = [
  "platform", "apt-packages", "apt-repository", "apt-source", "dnf-packages",
  "dnf-repository", "host-packages", "archive",
  "download", "installer", "file", "user", "secret", "certificate", "service",
  "environment-variables", "group", "access", "quota",
  "kernel-arguments", "reboot", "verify",
]
reason = "a message installs nothing"
"""
TEMPLATES = {
    "motd.sh.j2": """#!/bin/sh
echo {{ plan.summary | sh }}
{% for step in steps if step.kind == "variables" %}
{% include "steps/variables.fragment.j2" %}
{% endfor %}
""",
    "env.txt.j2": "{{ step.name | comment }} is in {{ step.path | comment }}\n",
}


def build(distribution: str, package: str, site: Path) -> None:
    """Install a backend in a folder from its source."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary)
        (source / package).mkdir(parents=True)
        text = PROJECT.format(distribution=distribution, package=package)
        (source / "pyproject.toml").write_text(text, encoding="utf-8")
        (source / package / "__init__.py").touch()
        (source / package / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
        for name, template in TEMPLATES.items():
            (source / package / name).write_text(template, encoding="utf-8")
        uv = str(Path(sys.executable).with_name("uv"))
        command = [uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        command += ["--python", sys.executable, "--target", str(site), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def motd(once: Once) -> Path:
    return once("motd", partial(build, "rigspec-motd", "rigspec_motd"))


@pytest.fixture
def motd_again(once: Once) -> Path:
    return once("motd-again", partial(build, "motd-again", "motd_again"))


@pytest.fixture
def installed(motd: Path, tmp_path: Path) -> Installed:
    """What installs the backend, its manifest changed; the environment that has it."""

    def install(manifest: str = MANIFEST) -> dict[str, str]:
        site = tmp_path / "site"
        shutil.copytree(motd, site)
        (site / "rigspec_motd" / "manifest.toml").write_text(manifest, encoding="utf-8")
        return {**os.environ, "PYTHONPATH": str(site)}

    return install


def compiled(
    rigspec: Rigspec, out: Path, environment: dict[str, str], target: str = "motd"
) -> subprocess.CompletedProcess[str]:
    return rigspec(
        *("compile", ROOT / "specs" / "dl-server.toml", "--locked"),
        *("--target", target, "-o", out),
        env=environment,
        process=True,
    )


def test_compile_third_party_target_writes_output(
    installed: Installed, rigspec: Rigspec, tmp_path: Path
) -> None:
    done = compiled(rigspec, tmp_path / "out", installed())
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "motd"
    output = subprocess.run([folder / "motd.sh"], capture_output=True, text=True, check=True).stdout
    assert output == "A two-user fastai server\n"
    text = (folder / "envs" / "fastai.txt").read_text(encoding="utf-8")
    assert text == "fastai is in /opt/rig/envs/fastai\n"
    omitted = " ".join(done.stderr.split())
    assert "(a message installs nothing)" in omitted
    # Without it there is no such target, and those there are are named.
    done = compiled(rigspec, tmp_path / "out", dict(os.environ))
    assert done.returncode == 2
    assert "RS601: unknown target `motd`" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "supports",
            "suports",
            "rigspec_motd/manifest.toml:5:1: unknown key `suports`; did you mean `supports`?",
        ),
        (
            'supports = ["env',
            'supports = ["en',
            "5:13: unknown kind of step `enironment`; known kinds",
        ),
        ('path = "motd.sh"', 'path = "../motd.sh"', "8:8: `../motd.sh` is outside the target's"),
        ("motd.sh.j2", "mod.sh.j2", "rigspec_motd/manifest.toml: no template mod.sh.j2"),
        ('"0755"', '"rwx"', "10:8: `outputs.1.mode` must be four octal digits"),
        ("summary =", "summary", "4:9: expected '=' after a key in a key/value pair"),
    ],
)
def test_find_backends_invalid_manifest_names_distribution_and_span(
    before: str, after: str, message: str, installed: Installed, rigspec: Rigspec, tmp_path: Path
) -> None:
    environment = installed(MANIFEST.replace(before, after, 1))
    done = compiled(rigspec, tmp_path / "out", environment, "shell")
    assert done.returncode == 2
    assert "RS603: rigspec-motd 1.4: rigspec_motd/manifest.toml" in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_compile_unaccounted_step_is_refused(
    installed: Installed, rigspec: Rigspec, tmp_path: Path
) -> None:
    environment = installed(MANIFEST.replace('"user", ', ""))
    done = compiled(rigspec, tmp_path / "out", environment)
    assert done.returncode == 2
    assert "target motd neither supports nor excludes steps of kind `user`" in done.stderr


def test_find_backends_duplicate_name_names_both_distributions(
    installed: Installed, motd_again: Path, rigspec: Rigspec, tmp_path: Path
) -> None:
    environment = installed()
    environment["PYTHONPATH"] += f":{motd_again}"
    done = compiled(rigspec, tmp_path / "out", environment)
    assert done.returncode == 2
    assert "duplicate target motd: in " in done.stderr
    assert "rigspec-motd 1.4" in done.stderr
    assert "motd-again 1.4" in done.stderr


def test_find_backends_builtin_name_is_refused(
    installed: Installed, rigspec: Rigspec, tmp_path: Path
) -> None:
    environment = installed(MANIFEST.replace('name = "motd"', 'name = "shell"'))
    done = compiled(rigspec, tmp_path / "out", environment, "shell")
    assert done.returncode == 2
    assert "duplicate target shell: in rigspec and in rigspec-motd 1.4" in done.stderr


def test_find_backends_missing_package_is_reported(
    installed: Installed, rigspec: Rigspec, tmp_path: Path
) -> None:
    environment = installed()
    shutil.rmtree(tmp_path / "site" / "rigspec_motd")
    done = compiled(rigspec, tmp_path / "out", environment, "shell")
    assert done.returncode == 2
    message = "entry point rigspec_motd: cannot import package rigspec_motd"
    assert f"RS603: rigspec-motd 1.4: {message}" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('name = "motd"', 'name = "all"', "`all` is reserved for all targets"),
        ('name = "motd"', 'name = "../x"', "`name` must be lower-case letters, digits and dashes"),
        ('"environment", ', "", "`environment` is not listed in `supports`"),
        ("{name}", "it", "`{name}` is required in `path` with `each`"),
        ('"platform"', '"variables"', "`variables` is both supported and excluded"),
        ("motd.sh.j2", "/etc/passwd", "`/etc/passwd` is outside the target's directory"),
        ('mode = "0755"', "mode = 493", "`outputs.1.mode` must be four octal digits"),
        ('summary = "What a user of the rig reads at log-in."', "", "`summary` is missing"),
        ("supports =", 'payload = "/opt"\nsupports =', "`/opt` is outside the target's directory"),
        ("[[excludes]]", '[[checks]]\npath = "x"\ncommand = ["x"]\n[[excludes]]', "`{}` is"),
        ('["environment", "variables"]', '"environment"', "`supports` must be an array"),
        ("supports =", 'at_runtime = ["service"]\nsupports =', "`service` is listed in"),
    ],
)
def test_read_manifest_inconsistency_is_reported_with_span(
    before: str, after: str, message: str
) -> None:
    assert before in MANIFEST
    with pytest.raises(ManifestError, match=r"^m\.toml:\d+:\d+: ") as error:
        read_manifest("m.toml", MANIFEST.replace(before, after, 1))
    assert message in str(error.value)


def test_read_manifest_reports_all_errors_in_file_order() -> None:
    text = MANIFEST.replace('"motd"', '""', 1).replace("mode =", "mod =")
    with pytest.raises(ManifestError) as error:
        read_manifest("m.toml", text)
    assert [line.split(":")[1] for line in str(error.value).splitlines()] == ["2", "10"]
