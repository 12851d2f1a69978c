"""The architecture of a machine: declared, or that of its GPU or instance."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Severity
from tests.resolve.rigs import check, errors

PARTS = {
    'gpus = ["DGX Spark"]': "aarch64",
    'gpus = ["GH200 480GB"]': "aarch64",
    'gpus = ["GB200"]': "aarch64",
    'gpus = ["GB300"]': "aarch64",
    'gpus = ["Jetson AGX Thor"]': "aarch64",
    'gpus = ["Jetson AGX Orin"]': "aarch64",
    'instance = "aws g5g.xlarge"': "aarch64",
    'instance = "aws p6e-gb200.36xlarge"': "aarch64",
    'instance = "Standard_ND128isr_NDR_GB200_v6"': "aarch64",
    'instance = "azure ND128isr GB300 v6"': "aarch64",
    'instance = "gcp a4x-highgpu-4g"': "aarch64",
    'instance = "gcp a4x-maxgpu-4g-metal"': "aarch64",
    'instance = "gcp a4-highgpu-8g"': "x86_64",
    'instance = "aws g6.xlarge"': "x86_64",
    'instance = "aws p6-b300.48xlarge"': "x86_64",
    'gpus = ["H200"]': "x86_64",
    'gpus = ["B300"]': "x86_64",
    'gpus = ["RTX 5090"]': "x86_64",
    'arch = "aarch64"\ngpus = ["H100"]': "aarch64",
    "": "x86_64",
}


def rig(machine: str, torch: str = "*") -> str:
    return f'[machine.box]\n{machine}\n[env.lab]\nframeworks = {{ torch = "{torch}" }}\n'


@pytest.mark.parametrize("machine", PARTS)
def test_check_takes_the_architecture_of_gpu_or_instance(machine: str, tmp_path: Path) -> None:
    found = check(tmp_path, rig(machine)).resolution
    assert found is not None
    assert found.arch == PARTS[machine]


@pytest.mark.parametrize(
    ("gpu", "torch", "build"),
    [
        # The index has a build for the CPU only for these releases on aarch64.
        ("DGX Spark", "2.9.1", "2.9.1+cu128"),
        ("GH200 480GB", "2.10", "2.10.0+cu128"),
        # Only the builds for CUDA 13 have code for compute capability 11.0.
        ("Jetson AGX Thor", "2.9.1", "2.9.1+cu130"),
    ],
)
def test_check_of_an_arm_machine_takes_a_build_for_its_gpu(
    gpu: str, torch: str, build: str, tmp_path: Path
) -> None:
    found = check(tmp_path, rig(f'gpus = ["{gpu}"]', torch)).resolution
    assert found is not None
    assert found.envs[0].frameworks[0].version == build


@pytest.mark.parametrize(
    ("gpu", "warned"), [("Jetson AGX Orin", True), ("Jetson AGX Thor", False), ("GH200", False)]
)
@pytest.mark.parametrize("package", ["torch", "jax"])
def test_check_of_jetson_orin_warns_of_wheels_for_servers(
    package: str, gpu: str, warned: bool, tmp_path: Path
) -> None:
    env = f'[env.lab]\npackages = {{ {package} = "*" }}\n'
    report = check(tmp_path, f'[machine.box]\ngpus = ["{gpu}"]\n{env}')
    assert errors(report) == []
    codes = [d.code for d in report.diagnostics if d.severity is Severity.WARNING]
    assert ("RS220" in codes) is warned


def test_framework_with_the_toolkit_of_a_jetson_is_admitted_without_a_step(tmp_path: Path) -> None:
    rig = '[machine.box]\nos = "ubuntu 22.04"\ngpus = ["Jetson AGX Orin"]\n{cuda}[env.lab]\n'
    rig += 'packages = {{ onnxruntime-gpu = "*" }}\n[index.jetson]\n'
    rig += 'url = "https://jetson.example.org/simple"\npackages = ["onnxruntime-gpu"]\n'

    assert errors(check(tmp_path, rig.format(cuda=""))) == ["RS255"]
    assert errors(check(tmp_path, rig.format(cuda='[cuda]\nprovider = "wheels"\n'))) == []


def test_conflict_with_many_builds_names_the_gpu_code_in_each(tmp_path: Path) -> None:
    report = check(tmp_path, rig('arch = "x86_64"\ngpus = ["Jetson AGX Thor"]'))
    facts = [fact.statement for d in report.diagnostics for fact in d.facts]
    assert any("more)" in fact for fact in facts)
    (error,) = (d for d in report.diagnostics if d.code == "RS220")
    failure = "CUDA error: no kernel image is available for execution on the device"
    assert failure in error.runtime_error
    assert not [fact for fact in facts if "{" in fact]


def test_vllm_release_that_was_compiled_with_another_torch_conflicts(tmp_path: Path) -> None:
    machine = '[machine.box]\ngpus = ["RTX 4090"]\n[env.lab]\nframeworks = { torch = "2.12" }\n'
    assert "RS217" in errors(check(tmp_path, machine + 'packages = { vllm = "0.2.0" }'))


@pytest.mark.parametrize(
    ("table", "line", "admitted"),
    [
        ("frameworks", 'tensorflow = "*"', False),  # its wheels for aarch64 are for the CPU
        ("frameworks", 'tensorflow-gpu = "2.4"', False),
        ("frameworks", 'mxnet = "*"', False),
        ("frameworks", 'onnxruntime-gpu = "1.28"', False),
        ("frameworks", 'onnxruntime-gpu = "1.31"', True),
        ("frameworks", 'cupy-cuda12x = "13"', True),
        ("frameworks", 'cupy-cuda12x = "11"', False),
        ("packages", 'paddlepaddle-gpu = "2.6.2"', False),
        ("packages", 'bitsandbytes = "0.45.0"', False),
        ("packages", 'bitsandbytes = "0.49.2"', True),
    ],
)
def test_package_without_wheels_for_aarch64_is_refused(
    table: str, line: str, admitted: bool, tmp_path: Path
) -> None:
    machine = '[machine.box]\ngpus = ["DGX Spark"]\n[env.lab]\n'
    report = check(tmp_path, f"{machine}{table} = {{ {line} }}\n")
    assert (errors(report) == []) == admitted, errors(report)


def test_framework_without_a_gpu_build_for_aarch64_is_named_in_the_error(tmp_path: Path) -> None:
    machine = '[machine.box]\ngpus = ["DGX Spark"]\n[env.lab]\n'
    report = check(tmp_path, machine + 'frameworks = { tensorflow = "*" }\n')
    (error,) = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    assert (error.code, error.message) == ("RS251", "TensorFlow cannot use a GPU on aarch64")


@pytest.mark.parametrize(
    ("os", "gpu", "driver", "cuda"),
    [
        # The driver is that of Jetson Linux: the builds for CUDA 13 need JetPack 7.
        ("ubuntu 22.04", "Jetson Orin Nano Super", "540", "12.6"),
        ("ubuntu 24.04", "Jetson Orin Nano Super", "620", "13.0"),
        ("ubuntu 24.04", "Jetson AGX Thor", "620", "13.0"),
    ],
)
def test_build_for_a_jetson_fits_the_driver_of_its_system(
    os: str, gpu: str, driver: str, cuda: str, tmp_path: Path
) -> None:
    found = check(tmp_path, rig(f'os = "{os}"\ngpus = ["{gpu}"]')).resolution
    assert found is not None
    assert (found.driver.partition(".")[0], found.envs[0].cuda) == (driver, cuda)


@pytest.mark.parametrize(
    "machine",
    [
        'os = "ubuntu 22.04"\ngpus = ["RTX 4090"]\ndriver = "540"',
        'os = "ubuntu 22.04"\ngpus = ["DGX Spark"]\ndriver = "540"',
        'os = "ubuntu 22.04"\ngpus = ["Jetson AGX Orin"]\ndriver = "580"',
        'os = "ubuntu 20.04"\ngpus = ["Jetson AGX Orin"]\ndriver = "535"',
        'os = "ubuntu 18.04"\ngpus = ["Jetson TX2"]\ndriver = "470"',
    ],
)
def test_driver_that_no_system_of_the_gpu_has_is_refused(machine: str, tmp_path: Path) -> None:
    report = check(tmp_path, f"[machine.box]\n{machine}\n")
    assert errors(report) != []
