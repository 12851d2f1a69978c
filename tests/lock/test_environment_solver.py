"""Frameworks and packages in one solve, checked against the machine and the matrix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rigspec.check import check_machine
from rigspec.lock.errors import LockError
from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.environment import LockSettings, PreviousPins
from rigspec.lock.python.found_frameworks import FoundFramework
from rigspec.lock.python.framework_rules import FrameworkRules, format_version_range
from rigspec.lock.python.python_choice import lock_environment
from rigspec.lock.python.remarks import explain_older_release, is_cpu_only
from rigspec.lock.python.requirements_file import read_pins
from rigspec.matrix.loader import load_matrix
from rigspec.spec.loader import parse_spec

Rigspec = Callable[..., Any]

SPEC = """
rig = 1
name = "lab"
[machine.box]
os = "ubuntu 24.04"
gpus = [{{ model = "{gpu}" }}]
[env.lab]
python = "{python}"
interpreter = "pyenv"
packages = {{ {packages} }}
"""


def write_spec(
    folder: Path, packages: str, *, gpu: str = "RTX 4090", python: str = "3.12", more: str = ""
) -> Path:
    file = folder / "rig.toml"
    file.write_text(SPEC.format(gpu=gpu, python=python, packages=packages) + more, encoding="utf-8")
    return file


def locked_versions(folder: Path) -> dict[str, str]:
    machine = folder / "lock" / "box"
    text = "".join(file.read_text(encoding="utf-8") for file in machine.glob("lab.*.txt"))
    return {pin.name: str(pin.version) for pin in read_pins(text)}


@pytest.fixture(autouse=True)
def _no_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("RIGSPEC_NVIDIA", "RIGSPEC_APT_UBUNTU"):
        monkeypatch.setenv(variable, "")


def rules(gpu: str, *implied: str) -> FrameworkRules:
    text = SPEC.format(gpu=gpu, python="3.12", packages='vllm = "*"')
    spec = parse_spec("rig.toml", text)
    matrix = load_matrix()
    resolution = check_machine(spec, "box", matrix).resolution
    assert resolution is not None
    return FrameworkRules(spec.rig, resolution, matrix, {"lab": implied})


def test_version_range_with_gap_excludes_it() -> None:
    known = ("1.0", "1.1", "1.2", "2.0")
    assert format_version_range(("1.0", "1.2"), known) == ">=1.0,<=1.2,!=1.1"
    assert format_version_range(("1.1",), known) == "==1.1"


def test_version_range_of_builds_is_that_of_their_releases() -> None:
    known = ("2.7.1+cu126", "2.7.1+cu128", "2.8.0+cu126", "2.8.0+cu128", "2.9.0+cu130")
    assert format_version_range(("2.8.0+cu126", "2.8.0+cu128"), known) == "==2.8.0"
    assert format_version_range(("2.7.1+cu128", "2.9.0+cu130"), known) == ">=2.7.1,<=2.9.0,!=2.8.0"


def test_framework_rules_for_new_gpu_admit_only_releases_with_its_code() -> None:
    admitted = rules("RTX 5090", "torch").compatible_releases("lab", "torch")
    assert "2.8.0" in admitted
    assert "2.7.1" not in admitted


def test_framework_rules_conflict_of_dependency_names_its_line() -> None:
    spec = parse_spec(
        "rig.toml", SPEC.format(gpu="RTX 5090", python="3.12", packages='vllm = "==0.9.2"')
    )
    path = ("env", "lab", "packages", "vllm")
    found = FoundFramework("lab", "torch", "torch", "2.7.0", path, "vllm 0.9.2")
    diagnostic = rules("RTX 5090", "torch").conflict("lab", [found]).locate(spec.document)
    assert diagnostic.code == "RS220"
    assert "vllm 0.9.2 requires torch, resolved to 2.7.0" in [
        span.label for span in diagnostic.spans
    ]


def test_note_on_an_older_framework_names_the_code_that_the_card_needs() -> None:
    found = FoundFramework("lab", "torch", "torch", "2.7.1")
    note = explain_older_release(rules("GTX 1080 Ti", "torch"), found, "", "<=2.7.1")
    assert note is not None
    assert "none of it runs on sm_61" in note.message


def test_framework_conflict_names_the_code_that_the_card_needs() -> None:
    found = FoundFramework("lab", "torch", "torch", "2.15.0")
    warning = rules("GTX 1080 Ti", "torch").conflict("lab", [found]).as_warning(found)
    assert "none of it runs on sm_61" in warning.message


def test_framework_conflict_without_rule_warns() -> None:
    """As `flax = "*"`, whose jax is a release without a build for the machine."""
    found = FoundFramework("lab", "torch", "torch", "99.0")
    warning = rules("RTX 4090", "torch").conflict("lab", [found]).as_warning(found)
    assert warning.code == "RS506"
    assert "the matrix has no such release" in warning.message


def test_lock_with_dependency_unfit_for_gpu_is_refused(tmp_path: Path, rigspec: Rigspec) -> None:
    """torchvision 0.22.0 requires torch 2.7.0, whose wheel has no code for the card."""
    spec = write_spec(tmp_path, 'torchvision = "==0.22.0"', gpu="RTX 5090")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 1, done.stdout
    assert "error[RS220]: torchvision 0.22.0 and RTX 5090 are incompatible" in done.stderr
    assert "requires torch 2.7.0" in " ".join(done.stderr.split())
    assert not (tmp_path / "lock").exists()


def test_lock_takes_cuda_from_the_wheels_as_check_prints(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = write_spec(tmp_path, 'tensorflow = "*"')
    assert "(in the wheels)" in rigspec("check", spec).stdout
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert "nvidia-cudnn-cu12" in locked_versions(tmp_path)
    assert "cudnn-linux" not in (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")


def test_lock_installs_a_toolkit_if_packages_admit_no_release_with_cuda_in_wheels(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    """TensorFlow 2.12 and newer require protobuf 3.20.3 or newer."""
    spec = write_spec(tmp_path, 'tensorflow = "*", protobuf = "<3.20"', python="3.10")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert locked_versions(tmp_path)["tensorflow"] == "2.11.1"
    lock = (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")
    assert 'name = "cuda_11.8.0' in lock


@pytest.mark.parametrize(
    ("torch", "locked", "torchtext", "reason"),
    [
        # The metadata of torchtext 0.18.0 admits any torch, and its library works with 2.3 only.
        ("*", "2.3.1", "0.18.0", "is compiled with torch 2.3"),
        # The newest torchtext that is not compiled.
        ("2.15", "2.15.0", "0.6.0", ""),
    ],
)
def test_lock_takes_a_framework_and_a_package_that_fit_each_other(
    torch: str, locked: str, torchtext: str, reason: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = write_spec(tmp_path, f'torch = "{torch}", torchtext = "*"')
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    versions = locked_versions(tmp_path)
    assert (versions["torch"], versions["torchtext"]) == (locked, torchtext)
    assert reason in " ".join(done.stderr.split())


def test_lock_checks_a_dependency_that_check_does_not_know() -> None:
    """The resolution is that of a rig without packages, as if no table knew their torch."""
    unknown = parse_spec("rig.toml", SPEC.format(gpu="RTX 5090", python="3.12", packages=""))
    resolution = check_machine(unknown, "box", load_matrix()).resolution
    assert resolution is not None
    text = SPEC.format(gpu="RTX 5090", python="3.12", packages='torchvision = "==0.22.0"')
    spec = parse_spec("rig.toml", text)
    with pytest.raises(LockError) as raised:
        lock_environment(
            *(spec.rig, resolution, resolution.envs[0], load_matrix()),
            *(PreviousPins(), LockSettings(answers=ResolutionCache(fresh=True))),
        )
    diagnostic = raised.value.locate(spec.document)
    assert diagnostic.code == "RS220"
    assert "torchvision 0.22.0 requires torch, resolved to 2.7.0" in [
        span.label for span in diagnostic.spans
    ]


def test_lock_with_dependency_chooses_release_for_gpu(tmp_path: Path, rigspec: Rigspec) -> None:
    """The newest torch has no code for a GTX 1080 Ti: the lock has an older one."""
    spec = write_spec(tmp_path, 'torchmetrics = "*"', gpu="GTX 1080 Ti")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert locked_versions(tmp_path)["torch"] == "2.7.1"
    assert "note[RS220]: torch 2.7.1 in `lab` is older than 2." in done.stderr


def test_lock_with_jax_as_dependency_warns_once_that_it_runs_on_cpu(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = write_spec(tmp_path, 'equinox = "*"')
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("runs on the CPU because") == 1
    assert 'add `jax = "*"` to `frameworks` of `lab`' in done.stderr
    assert "jaxlib" not in done.stderr


@pytest.mark.parametrize(
    ("jax", "python", "jaxlib"), [("0.4.20", "3.9", "0.4.20"), ("0.4.38", "3.11", "0.4.38")]
)
def test_lock_of_jax_for_cpu_has_its_jaxlib(
    jax: str, python: str, jaxlib: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    """jax before 0.4.30 does not require jaxlib, without which it cannot be imported."""
    spec = write_spec(tmp_path, "", python=python, more=f'frameworks = {{ jax = "{jax}" }}\n')
    spec.write_text(spec.read_text(encoding="utf-8").replace("gpus", "# gpus"), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert locked_versions(tmp_path)["jaxlib"] == jaxlib


def test_lock_of_jax_whose_jaxlib_is_in_no_index_is_refused(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    """The index has jaxlib 0.4.13, and 0.4.18 and newer."""
    spec = write_spec(tmp_path, "", python="3.9", more='frameworks = { jax = "0.3.25" }\n')
    spec.write_text(spec.read_text(encoding="utf-8").replace("gpus", "# gpus"), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 1
    assert "error[RS532]: cannot lock `lab`: jaxlib 0.3.25 is not on the default" in done.stderr
    assert 'set `url` in `[index."cpu"]`' in " ".join(done.stderr.split())


def test_lock_with_package_bounded_by_rule_names_the_rule(tmp_path: Path, rigspec: Rigspec) -> None:
    """torch 2.2 works with NumPy 2 in its metadata only."""
    spec = write_spec(tmp_path, 'torch = "==2.2.*", numpy = "*"', python="3.11")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert locked_versions(tmp_path)["numpy"].startswith("1.26.")
    assert "note[RS217]: numpy 1.26.4 in `lab` is older than the newest release" in done.stderr
    assert "because torch before 2.3 is built for NumPy 1" in " ".join(done.stderr.split())


def test_lock_with_withdrawn_companion_takes_the_version_of_the_rule(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    """Each torchvision for torch 1.0 is yanked: an installer takes an exact version only."""
    spec = write_spec(tmp_path, 'torch = "1.0", torchvision = "*"', gpu="GTX 1080", python="3.7")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert locked_versions(tmp_path)["torchvision"] == "0.2.2"


@pytest.mark.parametrize(
    ("product", "version", "pins", "on_cpu"),
    [
        ("jax", "0.8.0", ("jax", "jaxlib", "nvidia-cudnn-cu13"), True),
        ("jax", "0.8.0", ("jax", "jaxlib", "jax-cuda13-plugin"), False),
        ("tensorflow", "2.20.0", ("tensorflow",), True),
        ("tensorflow", "2.20.0", ("tensorflow", "nvidia-cudnn-cu12"), False),
        ("torch", "2.9.0", ("torch",), False),
        ("tensorflow", "2.10.0", ("tensorflow",), False),
    ],
)
def test_is_cpu_only_looks_for_packages_of_extra(
    product: str, version: str, pins: tuple[str, ...], on_cpu: bool
) -> None:
    found = FoundFramework("lab", product, product, version)
    assert is_cpu_only(load_matrix().product(product), found, pins) is on_cpu


def test_lock_takes_prereleases_where_nothing_else_exists(tmp_path: Path, rigspec: Rigspec) -> None:
    """opentelemetry-sdk requires a package that has only ever had pre-releases."""
    spec = write_spec(tmp_path, 'opentelemetry-sdk = "*"')
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert "b" in locked_versions(tmp_path)["opentelemetry-semantic-conventions"]


def test_lock_chooses_tools_that_fit_packages(tmp_path: Path, rigspec: Rigspec) -> None:
    """torch 2.11 requires setuptools below 82, which is not the newest."""
    spec = write_spec(tmp_path, "", more='[env.lab.frameworks]\ntorch = "==2.11.0"\n')
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert int(locked_versions(tmp_path)["setuptools"].partition(".")[0]) < 82


def test_lock_bounds_tools_by_rules_of_the_matrix(tmp_path: Path, rigspec: Rigspec) -> None:
    """Chainer imports numpy.distutils, which setuptools 74 broke."""
    more = '[env.lab.frameworks]\nchainer = "==4.0.0"\n'
    spec = write_spec(tmp_path, "", gpu="GTX 1080 Ti", python="3.8", more=more)
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert int(locked_versions(tmp_path)["setuptools"].partition(".")[0]) < 74


def test_lock_with_metadata_that_uv_cannot_read_uses_resolvelib(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    """pandas 0.22 requires `pytz (>=2011k)`, which PEP 440 does not allow."""
    spec = write_spec(tmp_path, 'pandas = "==0.22.0"', python="3.6")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert locked_versions(tmp_path)["pandas"] == "0.22.0"
    text = (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")
    assert 'engine = "resolvelib"' in text
    # The next lock starts with the same engine.
    assert rigspec("lock", spec, "-o", tmp_path / "lock").returncode == 0
    assert 'engine = "resolvelib"' in text


@pytest.mark.e2e(minutes=2)
def test_lock_with_free_python_tries_older_ones(tmp_path: Path, rigspec: Rigspec) -> None:
    """fastai 2.2 requires a torch without wheels for current Pythons."""
    spec = tmp_path / "rig.toml"
    text = SPEC.format(gpu="RTX 2070", python="3", packages="").replace('python = "3"\n', "")
    spec.write_text(text + '[env.lab.frameworks]\nfastai = "==2.2.5"\n', encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert locked_versions(tmp_path)["fastai"] == "2.2.5"
