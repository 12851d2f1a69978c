"""Source archives: what builds them is locked, and a missing compiler is an error."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.version import Version

from rigspec.lock.python.builds.source_builds import (
    SourceBuild,
    explain_build_conflict,
)
from rigspec.lock.python.conflicts import Collision, RequiredPackage
from rigspec.lock.python.index.metadata import FileMetadata
from rigspec.lock.python.index.sdist import CPU_FALLBACK, read_sdist
from rigspec.lock.python.requirements_file import HashedPin, read_pins

Rigspec = Callable[..., Any]


def archive(files: Mapping[str, str]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"tool-1.0/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return target.getvalue()


@pytest.mark.parametrize(
    ("files", "built_with", "languages"),
    [
        ({"setup.py": "setup()"}, ["setuptools", "wheel"], set()),
        ({"setup.py": "setup(use_2to3=True)"}, ["setuptools<58", "wheel"], set()),
        ({"setup.py": "import pkg_resources"}, ["setuptools<82", "wheel"], set()),
        (
            {"setup.py": "setup(setup_requires=['numpy', 'cython>=0.2'])"},
            ["setuptools<81", "wheel", "numpy", "cython>=0.2"],
            set(),
        ),
        (
            {"setup.py": "needs = ['pytest-runner'] if x else []\nsetup(setup_requires=needs)"},
            ["setuptools<81", "wheel", "pytest-runner"],
            set(),
        ),
        (
            {"setup.py": "setup(ext_modules=[Extension('a', ['a.c'])])", "a.c": ""},
            ["setuptools", "wheel"],
            {"c"},
        ),
        (
            {"setup.py": "setup(ext_modules=[Extension('a', optional=True)])", "a.c": ""},
            ["setuptools", "wheel"],
            set(),
        ),
        ({"setup.py": "setup()", "tests/a.c": ""}, ["setuptools", "wheel"], set()),
        (
            {"setup.py": "CUDAExtension('a', ['a.cu'])", "csrc/a.cu": "", "csrc/a.cpp": ""},
            ["setuptools", "wheel"],
            {"c", "cuda"},
        ),
        # torch-scatter and others are compiled for the CPU on a machine without a GPU.
        (
            {"setup.py": "if torch.cuda.is_available(): CUDAExtension('a', ['a.cu'])", "a.cu": ""},
            ["setuptools", "wheel"],
            {"cuda", CPU_FALLBACK},
        ),
        # fairscale compiles nothing without the variable.
        (
            {"setup.py": "if getenv('BUILD_CUDA_EXT', '0') == '1': CUDAExtension(['a.cu'])"},
            ["setuptools", "wheel"],
            set(),
        ),
        (
            {
                "pyproject.toml": '[build-system]\nrequires = ["maturin>=1"]\n',
                "Cargo.toml": "",
            },
            ["maturin>=1"],
            {"rust"},
        ),
        # As zstandard 0.22, whose crate is built on request.
        (
            {
                "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n',
                "setup.py": "setup(ext_modules=extensions)",
                "Cargo.toml": "",
                "zstd.c": "",
            },
            ["setuptools"],
            {"c"},
        ),
    ],
)
def test_read_sdist_returns_build_requirements_and_languages(
    files: dict[str, str], built_with: list[str], languages: set[str]
) -> None:
    metadata = read_sdist("tool-1.0.tar.gz", archive(files))
    assert list(metadata.built_with) == built_with
    assert metadata.languages == languages
    assert not metadata.computes_requirements


@pytest.mark.parametrize(
    ("name", "text", "is_stub"),
    [
        ("pyproject.toml", '[build-system]\nbuild-backend = "wheel_stub.buildapi"\n', True),
        ("setup.py", 'index = "https://pypi.nvidia.com"\nsetup()', True),
        ("setup.py", "setup()", False),
    ],
)
def test_read_sdist_of_a_stub_reports_it(name: str, text: str, is_stub: bool) -> None:
    assert read_sdist("tool-1.0.tar.gz", archive({name: text})).is_stub is is_stub


def test_lock_of_a_stub_is_refused(
    tmp_path: Path, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every release of tensorrt-llm downloads a wheel from NVIDIA's index when it is built."""
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC.format(package='tensorrt-llm = "==0.17.0.post1"'), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 1, done.stdout
    assert "error[RS507]: tensorrt-llm 0.17.0.post1 is a stub" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("more", "is_open"),
    [
        ({}, True),
        ({"Cargo.lock": ""}, False),
        ({".cargo/config.toml": ""}, False),
    ],
)
def test_read_sdist_without_locked_crates_reports_it(
    more: Mapping[str, str], is_open: bool
) -> None:
    build = {"pyproject.toml": '[build-system]\nrequires = ["maturin"]', "Cargo.toml": ""}
    assert read_sdist("tool-1.0.tar.gz", archive({**build, **more})).has_open_crates is is_open
    assert not read_sdist("tool-1.0.tar.gz", archive({"setup.py": "setup()"})).has_open_crates


@pytest.mark.parametrize(
    ("setup", "names"),
    [
        # As openmmforcefields 0.15.1 and many other archives of cookiecutters have it.
        (
            "runner = ['pytest-runner'] if {'test'}.intersection(argv) else []\n"
            "setup(setup_requires=[] + runner)",
            ["pytest-runner"],
        ),
        (
            "needs = ['numpy']\nneeds += ['cython']\nsetup(setup_requires=needs)",
            ["numpy", "cython"],
        ),
        (
            "setup(setup_requires=['numpy', *(['cython'] if 'x' in argv else [])])",
            ["numpy", "cython"],
        ),
        ("a = []\nsetup(setup_requires=a)\nsetup(setup_requires=a)", []),
        ("setup(setup_requires=sorted(('numpy',)) or None)", ["numpy"]),
    ],
)
def test_read_sdist_with_written_setup_requires_returns_each(setup: str, names: list[str]) -> None:
    metadata = read_sdist("tool-1.0.tar.gz", archive({"setup.py": setup}))
    assert not metadata.computes_requirements
    assert list(metadata.built_with) == ["setuptools<81", "wheel", *names]


def test_read_sdist_with_computed_setup_requires_reports_it() -> None:
    metadata = read_sdist(
        "tool-1.0.tar.gz", archive({"setup.py": "setup(setup_requires=find_them())"})
    )
    assert metadata.computes_requirements


@pytest.mark.parametrize(
    "setup",
    [
        "there = find_any_distribution([\n    'cupy-cuda90',\n    'cupy',\n])\n",
        "there = pkg_resources.get_distribution('cupy-cuda90')\n",
        'print "of Python 2"\nthere = get_distribution("cupy-cuda90")\n',
    ],
)
def test_read_sdist_leaves_out_what_the_author_had_installed(setup: str) -> None:
    more = "if there is not None:\n    install_requires.append(there)\n"
    requires = "numpy>=1.9\ncupy-cuda90==4.0.0\n\n[docs]\nsphinx\n"
    files = {"setup.py": setup + more, "tool.egg-info/requires.txt": requires}
    assert read_sdist("tool-1.0.tar.gz", archive(files)).runs_with == ("numpy>=1.9",)
    files["setup.py"] = setup + "install_requires = ['numpy>=1.9', 'cupy-cuda90==4.0.0']\n"
    found = read_sdist("tool-1.0.tar.gz", archive(files)).runs_with
    assert found == ("numpy>=1.9", "cupy-cuda90==4.0.0")


SPEC = """
rig = 1
name = "lab"
[machine.box]
os = "debian 12"
[env.lab]
python = "3.11"
interpreter = "system"
packages = {{ {package} }}
"""


def test_lock_with_source_archive_has_its_build_requirements(
    tmp_path: Path, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """antlr4-python3-runtime 4.9.3 has no wheel."""
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC.format(package='antlr4-python3-runtime = "==4.9.3"'), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    lock = (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")
    assert 'sources = ["antlr4-python3-runtime"]' in lock

    done = rigspec(
        *("compile", spec, "--lock", tmp_path / "lock"),
        *("--target", "shell", "-o", tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    installer = next((tmp_path / "out").rglob("install.sh")).read_text(encoding="utf-8")
    assert "sources=lab.sources.txt" in installer
    pip = [line for line in installer.splitlines() if "pip_install " in line]
    assert [("--only-binary :all:" in line, "--no-build-isolation" in line) for line in pip] == [
        (True, False),
        (True, False),
        (True, False),
        (False, True),
    ]
    sources = next((tmp_path / "out").rglob("lab.sources.txt")).read_text(encoding="utf-8")
    assert "antlr4-python3-runtime==4.9.3" in sources
    assert "antlr4" not in next((tmp_path / "out").rglob("lab.requirements.txt")).read_text()


# A source archive with an extension module.
EXTENSION = 'pycocotools = "==2.0.0"'


def test_lock_with_extension_has_the_compiler_before_the_environment(
    tmp_path: Path, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"
    spec.write_text(SPEC.format(package=EXTENSION), encoding="utf-8")
    done = rigspec("lock", spec, "-o", lock, "--engine", "resolvelib")
    assert done.returncode == 0, done.stderr
    libraries = "not checked: libraries of the system that `lab` needs to compile pycocotools 2.0"
    assert libraries in " ".join(done.stderr.split())
    content = tomli.loads((lock / "rig.lock").read_text(encoding="utf-8"))
    (machine,) = content["machines"]
    assert machine["envs"][0]["build_needs"] == ["compilers", "python-headers"]
    named = [p["name"] for p in machine["packages"] if p["part"] == "library"]
    assert named == ["g++", "python3-dev"]

    done = rigspec("compile", spec, "--lock", lock, "--target", "shell", "-o", out)
    assert done.returncode == 0, done.stderr
    text = (out / "shell" / "install.sh").read_text(encoding="utf-8")
    assert 0 < text.index("python3-dev") < text.index("\n  step env-lab ")


def test_lock_with_crates_at_any_version_reports_them_as_not_pinned(
    tmp_path: Path, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """outlines-core 0.1.26, which sglang 0.5 requires, has no wheel for Python 3.13."""
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    spec, lock = tmp_path / "rig.toml", tmp_path / "lock"
    text = SPEC.format(package='outlines-core = "==0.1.26"').replace('"3.11"', '"3.13"')
    text = text.replace('"system"', '"uv"')
    spec.write_text(text, encoding="utf-8")
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 1, done.stdout
    assert 'add "cargo" to `system.packages`' in done.stderr
    spec.write_text(f'{text}[system]\npackages = ["cargo"]\n', encoding="utf-8")
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    assert "not pinned: crates of outlines-core 0.1.26 (its archive has no Cargo.lock" in (
        " ".join(done.stderr.split())
    )


def test_lock_with_extension_and_no_compiler_is_refused(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = tmp_path / "rig.toml"
    text = SPEC.format(package=EXTENSION).replace("debian 12", "rhel 8").replace("system", "uv")
    spec.write_text(text, encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock", "--engine", "resolvelib")
    assert done.returncode == 1, done.stdout
    assert "error[RS507]" in done.stderr
    assert 'add "build-essential" to `system.packages`' in done.stderr
    assert not (tmp_path / "lock").exists()


def test_lock_with_source_archive_bounds_the_tools_of_the_environment(
    tmp_path: Path, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setup script of visdom 0.2.4 imports pkg_resources, which setuptools 82 does not have."""
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", "")
    spec = tmp_path / "rig.toml"
    packages = 'visdom = "==0.2.4", setuptools = "*"'
    spec.write_text(SPEC.format(package=packages), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    tools = (tmp_path / "lock" / "box" / "lab.tools.txt").read_text(encoding="utf-8")
    (pin,) = [each for each in read_pins(tools) if each.name == "setuptools"]
    assert pin.version < Version("82")


def test_archives_built_with_different_versions_of_a_tool_are_named() -> None:
    builds = [
        SourceBuild(HashedPin(name, Version("1.0"), frozenset()), FileMetadata((), (needed,)))
        for name, needed in (
            ("old", Requirement("setuptools<83,>=77")),
            ("new", Requirement("setuptools>=84.2")),
        )
    ]
    ends = [RequiredPackage("setuptools", (text,)) for text in (">=77,<83", ">=84.2")]
    error = explain_build_conflict("lab", builds, Collision(tuple((end,) for end in ends)))
    assert error is not None
    shown = " ".join((error.diagnostic.message, *error.diagnostic.help))
    assert "old 1.0 is built with setuptools>=77,<83" in shown
    assert "new 1.0 is built with setuptools>=84.2" in shown
    other = Collision(((ends[0],), (RequiredPackage("setuptools", ("<60",)),)))
    assert explain_build_conflict("lab", builds, other) is None
