"""Questions without a file, as a user asks them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.spec.loader import parse_spec

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

NVIDIA_SMI = """\
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 570.86.10              Driver Version: 570.86.10      CUDA Version: 12.8     |
|-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
|=========================================+========================+======================|
|   0  NVIDIA GeForce RTX 5090        On  |   00000000:01:00.0 Off |                  N/A |
|   1  NVIDIA GeForce RTX 5090        On  |   00000000:02:00.0 Off |                  N/A |
+-----------------------------------------------------------------------------------------+
"""

COLLECT_ENV = """\
Collecting environment information...
PyTorch version: 2.4.1+cu121
Is debug build: False
CUDA used to build PyTorch: 12.1
OS: Ubuntu 22.04.4 LTS (x86_64)
Python version: 3.10.12 (main, Sep 11 2024, 15:47:36) [GCC 11.4.0] (64-bit runtime)
GPU models and configuration: GPU 0: NVIDIA GeForce RTX 3090
Nvidia driver version: 535.183.01

Versions of relevant libraries:
[pip3] numpy==1.26.4
[pip3] torch==2.4.1+cu121
[pip3] torchvision==0.19.1+cu121
"""


def ask(rigspec: Rigspec, *words: str, **options: object) -> tuple[int, dict[str, object]]:
    done = rigspec("can", *words, "--format", "json", **options)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("words", "installs"),
    [
        (("RTX 4090", "torch==2.4"), "pip install torch==2.4.1"),
        (("RTX 4090", "torch 2.4"), "pip install torch==2.4.1"),
        (
            ("V100", "torch==2.11.0"),
            "pip install torch==2.11.0+cu126 --index-url https://download.pytorch.org/whl/cu126",
        ),
        (
            ("RTX 5090", "torch==2.7.1"),
            "pip install torch==2.7.1+cu128 --index-url https://download.pytorch.org/whl/cu128",
        ),
    ],
)
def test_can_release_that_runs_says_yes_with_its_command(
    words: tuple[str, ...], installs: str, rigspec: Rigspec
) -> None:
    code, answer = ask(rigspec, *words)
    assert (code, answer["answer"]) == (0, "yes")
    assert answer["resolution"]["install"] == [installs]  # type: ignore[index]


def test_can_release_without_code_for_card_says_no_with_what_works(rigspec: Rigspec) -> None:
    done = rigspec("can", "RTX 5090", "torch==2.4")
    assert done.returncode == 1
    first, *rest = done.stdout.splitlines()
    assert first == "no: PyTorch 2.4 and RTX 5090 are incompatible"
    assert any("none of it runs on sm_120" in line for line in rest)
    assert any(line.startswith("    source: https://") for line in rest)
    assert "  at run time: CUDA error: no kernel image is available" in done.stdout
    code, answer = ask(rigspec, "RTX 5090", "torch==2.4")
    assert code == 1
    for alternative in answer["alternatives"]:  # type: ignore[attr-defined]
        (command,) = alternative["resolution"]["install"]
        again, _ = ask(rigspec, "RTX 5090", command.split()[2])
        assert again == 0


def test_can_framework_without_version_lists_builds_newest_first(rigspec: Rigspec) -> None:
    code, answer = ask(rigspec, "GTX 1080", "torch", "--driver", "535")
    assert code == 0
    offers = answer["offers"]
    builds = [offer["build"] for offer in offers]  # type: ignore[attr-defined]
    assert builds[0] == "cu126"
    assert len(set(builds)) == len(builds)
    assert "none of it runs on sm_61" in offers[0]["newer"]["reason"]  # type: ignore[index]
    for offer in offers:  # type: ignore[attr-defined]
        requirement = f"torch=={offer['version']}+{offer['build']}"
        again, _ = ask(rigspec, "GTX 1080", requirement, "--driver", "535")
        assert again == 0, requirement


@pytest.mark.parametrize(
    ("gpu", "framework", "installs"),
    [
        ("RTX 4090", "tensorflow", "pip install tensorflow[and-cuda]=="),
        ("RTX 4090", "jax", "pip install jax[cuda13]=="),
        # The plugin for CUDA 13 has no code for compute capability 6.1.
        ("GTX 1080 Ti", "jax", "pip install jax[cuda12]=="),
        ("RTX 4090", "mxnet", "pip install mxnet-cu112=="),
    ],
)
def test_can_framework_without_version_installs_its_cuda(
    gpu: str, framework: str, installs: str, rigspec: Rigspec
) -> None:
    code, answer = ask(rigspec, gpu, framework)
    assert code == 0
    offer = answer["offers"][0]  # type: ignore[index]
    assert offer["install"].startswith(installs)
    assert offer["cuda"]
    assert offer["python"]


def test_can_newer_release_names_the_reason_of_each_build(rigspec: Rigspec) -> None:
    _, answer = ask(rigspec, "RTX 5060 Ti", "torch", "--driver", "575")
    reason = answer["offers"][0]["newer"]["reason"]  # type: ignore[index]
    assert "support compute capabilities 5.0 to 9.0 only" in reason  # the build for CUDA 12.6
    assert "requires driver 580 or newer" in reason  # those for CUDA 13


@pytest.mark.parametrize(
    ("gpu", "newest"), [("GTX 1080", "12.9.1"), ("Tesla K80", "11.8.0"), ("Tesla V100", "12.9.1")]
)
def test_can_card_alone_names_the_newest_toolkit_that_compiles_for_it(
    gpu: str, newest: str, rigspec: Rigspec
) -> None:
    _, answer = ask(rigspec, gpu)
    assert answer["cuda"][1] == newest  # type: ignore[index]


def test_can_card_alone_prints_its_page(rigspec: Rigspec) -> None:
    code, page = ask(rigspec, "RTX 4090")
    assert code == 0
    assert (page["gpu"], page["compute_capability"]) == ("GeForce RTX 4090", "8.9")
    frameworks = page["frameworks"]
    assert frameworks["torch"]["install"].startswith("pip install torch==")  # type: ignore[index]


def test_can_instance_alone_prints_its_page(rigspec: Rigspec) -> None:
    done = rigspec("can", "p5.48xlarge")
    assert done.returncode == 0
    name, gpus, *_ = done.stdout.splitlines()
    assert (name, gpus.split()) == ("p5.48xlarge", ["GPUs", "8", "x", "H100"])


def test_can_library_without_gpu_names_its_framework(rigspec: Rigspec) -> None:
    done = rigspec("can", "vllm==0.20.0")
    assert done.returncode == 0
    assert done.stdout.startswith("yes: vllm 0.20.0 with torch 2.11.0 can be installed\n")


def test_can_nvidia_smi_on_stdin_reads_card_and_driver(rigspec: Rigspec) -> None:
    code, answer = ask(rigspec, "-", "torch==2.7.1", input=NVIDIA_SMI)
    assert code == 0
    assert answer["question"]["gpu"] == "NVIDIA GeForce RTX 5090"  # type: ignore[index]
    assert answer["question"]["driver"] == "570.86.10"  # type: ignore[index]


def test_can_collect_env_on_stdin_reads_versions(rigspec: Rigspec) -> None:
    code, answer = ask(rigspec, "-", input=COLLECT_ENV)
    question = answer["question"]
    assert question["requirements"] == [  # type: ignore[index]
        "torch 2.4.1+cu121",
        "torchvision 0.19.1+cu121",
    ]
    assert question["os"] == "ubuntu 22.04"  # type: ignore[index]
    assert code == 0


def test_can_write_gives_a_spec_that_check_admits(rigspec: Rigspec, tmp_path: Path) -> None:
    spec = tmp_path / "rig.toml"
    done = rigspec("can", "RTX 3090", "torch==2.5.1", "--write", spec)
    assert done.returncode == 0
    parse_spec("rig.toml", spec.read_text("utf-8"))
    assert rigspec("check", spec).returncode == 0


def test_can_write_existing_file_fails_and_leaves_it(rigspec: Rigspec, tmp_path: Path) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text("# mine\n", encoding="utf-8")
    done = rigspec("can", "RTX 3090", "torch==2.5.1", "--write", spec)
    assert done.returncode == 2
    assert f"error: {spec} already exists" in done.stderr
    assert spec.read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a GPU, packages, or both"),
        (("RTX 4090", "torch==x"), "cannot read the requirement `torch==x`"),
        (("RTX 4090", "torch @ https://example.org/t.whl"), "it is a direct URL"),
    ],
)
def test_can_question_that_cannot_be_read_exits_with_2(
    words: tuple[str, ...], message: str, rigspec: Rigspec
) -> None:
    done = rigspec("can", *words)
    assert done.returncode == 2
    assert message in done.stderr


def test_can_unknown_card_exits_with_2(rigspec: Rigspec) -> None:
    done = rigspec("can", "RTX 4909", "torch")
    assert done.returncode == 2
    assert "unknown GPU `RTX 4909`" in done.stdout


@pytest.mark.parametrize("name", ['"; rm -rf /', 'a"b', "a\\b", "a\nb", "\x1b[31m"])
def test_can_hostile_names_are_text(name: str, rigspec: Rigspec) -> None:
    done = rigspec("can", name, "torch==2.4")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_can_text_that_is_no_output_is_refused(rigspec: Rigspec) -> None:
    done = rigspec("can", "-", input="hello\n")
    assert done.returncode == 2
    assert "neither the output of nvidia-smi" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "version", "torch"),
    [
        (("RTX 4090", "vllm==0.6.3"), 0, "vllm 0.6.3", "2.4.0"),
        (("RTX 4090", "vllm 0.6"), 0, "vllm 0.6.6.post1", "2.5.1"),
        (("GTX 1080", "vllm"), 1, None, None),
        (("RTX 5090", "vllm==0.6.3"), 1, None, None),
    ],
)
def test_can_library_names_its_release_and_that_of_its_framework(
    words: tuple[str, ...], code: int, version: str | None, torch: str | None, rigspec: Rigspec
) -> None:
    status, answer = ask(rigspec, *words)
    assert status == code
    if version is not None:
        requests = answer["question"]["requirements"]  # type: ignore[index]
        assert requests[0] == version
        assert answer["resolution"]["packages"] == {"torch": torch}  # type: ignore[index]


def test_can_library_without_version_installs_the_newest_that_runs(rigspec: Rigspec) -> None:
    done = rigspec("can", "T4", "vllm")
    assert done.returncode == 0
    assert done.stdout.startswith("yes: vllm 0.")
    assert "  pip install vllm==0." in done.stdout


def test_can_package_without_rules_exits_with_2(rigspec: Rigspec) -> None:
    done = rigspec("can", "RTX 4090", "black")
    assert done.returncode == 2
    assert "error: the matrix has no rules about `black`" in done.stderr


def test_can_repeats_an_answer_without_the_solver(rigspec: Rigspec, tmp_path: Path) -> None:
    variables = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    variables.pop("RIGSPEC_NO_CACHE", None)
    first = rigspec("can", "RTX 5090", "torch==2.4", env=variables)
    (entry,) = (tmp_path / "rigspec" / "can").iterdir()
    again = rigspec("can", "RTX 5090", "torch==2.4", env=variables)
    assert (again.returncode, again.stdout) == (first.returncode, first.stdout) == (1, first.stdout)
    entry.write_text('00000000\n[0, "yes"]')
    damaged = rigspec("can", "RTX 5090", "torch==2.4", env=variables)
    assert (damaged.returncode, damaged.stdout) == (1, first.stdout)
    other = rigspec("can", "RTX 5090", "torch==2.8", env=variables)
    assert other.returncode == 0


def test_alternative_installs_the_libraries_of_the_question(rigspec: Rigspec) -> None:
    done = rigspec("can", "RTX 4090", "torch==2.5.1", "torchvision==0.19.1")
    assert done.returncode == 1
    first, second = done.stdout.split("  instead: ")[1:]
    assert first.splitlines() == [
        "torchvision ==0.20.1",
        "    pip install torch==2.5.1",
        "    pip install torchvision==0.20.1",
    ]
    assert "    pip install torchvision==0.19.1" in second.splitlines()


def test_can_with_pasted_output_reads_the_machine_in_the_words(rigspec: Rigspec) -> None:
    done = rigspec("can", "-", "torch==2.4.1", "python", "3.13", input=NVIDIA_SMI)
    assert done.returncode == 1
    assert "Python 3.13" in done.stdout


def test_can_with_cuda_only_answers_for_the_toolkit(rigspec: Rigspec) -> None:
    done = rigspec("can", "cuda", "13", "on", "GTX", "1080", "Ti")
    assert done.returncode == 1
    assert "no: CUDA 13 and GTX 1080 Ti are incompatible" in done.stdout


def test_can_names_the_system_that_it_has_no_rules_about(rigspec: Rigspec) -> None:
    done = rigspec("can", "torch", "on", "arch")
    assert done.returncode == 0
    assert "not checked: the matrix has no rules: arch" in done.stdout
