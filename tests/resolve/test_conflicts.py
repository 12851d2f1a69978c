"""Combinations that cannot exist, each beside a neighbour that can."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Severity
from tests.resolve.rigs import check, errors, tower

TF18 = 'python = "3.6"\nframeworks = { tensorflow = "1.8" }'

# id -> (refused rig, its code, between, most lines told, a neighbour that is admitted)
CASES = {
    "tensorflow 1.8 on CUDA 10.0": (
        tower(cuda='toolkit = "10.0"', env=TF18),
        ("RS201", {"tensorflow", "cuda"}, 2),
        tower(cuda='toolkit = "9.0"', env=TF18),
    ),
    "tensorflow 1.8 on CUDA 9.1": (
        tower(cuda='toolkit = "9.1"', env=TF18),
        ("RS201", {"tensorflow", "cuda"}, 2),
        tower(cuda='toolkit = "10.0"', env=TF18.replace("1.8", "1.13")),
    ),
    "tensorflow 1.4 on CUDA 9.0": (
        tower(cuda='toolkit = "9.0"', env=TF18.replace("1.8", "1.4")),
        ("RS201", {"tensorflow", "cuda"}, 2),
        tower(cuda='toolkit = "8.0"', env=TF18.replace("1.8", "1.4")),
    ),
    "tensorflow 1.8 with cuDNN 6": (
        tower(cuda='cudnn = "6"', env=TF18),
        ("RS202", {"tensorflow", "cudnn"}, 2),
        tower(cuda='cudnn = "7"', env=TF18),
    ),
    "driver 375 with CUDA 9.0": (
        tower(machine='driver = "375"', cuda='toolkit = "9.0"'),
        ("RS204", {"driver", "cuda"}, 2),
        tower(machine='driver = "384"', cuda='toolkit = "9.0"'),
    ),
    "RTX 2070 with CUDA 9.0": (
        tower(gpu="RTX 2070", cuda='toolkit = "9.0"'),
        ("RS205", {"gpu", "cuda"}, 2),
        tower(gpu="RTX 2070", cuda='toolkit = "10.0"'),
    ),
    "RTX 2070 with tensorflow 1.8": (
        tower(gpu="RTX 2070", env=TF18),
        (None, {"gpu", "tensorflow"}, 2),
        tower(gpu="RTX 2070", env=TF18.replace("1.8", "1.13")),
    ),
    "K80 with driver 525": (
        tower(gpu="Tesla K80", machine='driver = "525"', os="ubuntu 18.04"),
        ("RS206", {"gpu", "driver"}, 2),
        tower(gpu="Tesla K80", machine='driver = "470"', os="ubuntu 18.04"),
    ),
    "GTX 1080 Ti with driver 590": (
        tower(machine='driver = "590"', cuda='provider = "runfile"'),
        ("RS206", {"gpu", "driver"}, 2),
        tower(machine='driver = "580"', cuda='provider = "runfile"'),
    ),
    "tensorflow 1.8 on Python 3.7": (
        tower(env=TF18.replace("3.6", "3.7")),
        ("RS207", {"tensorflow", "python"}, 2),
        tower(env='python = "3.7"\nframeworks = { tensorflow = "1.13" }'),
    ),
    "pip 21 on Python 2.7": (
        tower(env='python = "2.7"\npip = "21.3"'),
        ("RS208", {"pip", "python"}, 2),
        tower(env='python = "2.7"\npip = "20.3"'),
    ),
    "pip 23 among the packages of Python 3.6": (
        tower(env='python = "3.6"\npackages = { pip = ">=23.1,<23.2" }'),
        ("RS208", {"pip", "python"}, 2),
        tower(env='python = "3.7"\npackages = { pip = ">=23.1,<23.2" }'),
    ),
    "keras 2.3 with tensorflow 1.8": (
        tower(env='python = "3.6"\nframeworks = { tensorflow = "1.8", keras = "2.3" }'),
        ("RS209", {"keras", "tensorflow"}, 2),
        tower(env='python = "3.6"\nframeworks = { tensorflow = "1.8", keras = "2.2" }'),
    ),
    "pip 18.1 with tensorflow 1.15": (
        tower(env='python = "3.6"\npip = "18.1"\nframeworks = { tensorflow = "1.15" }'),
        ("RS210", {"pip", "tensorflow"}, 2),
        tower(env='python = "3.6"\npip = "19.3"\nframeworks = { tensorflow = "1.15" }'),
    ),
    "a CPU without AVX and tensorflow 1.6": (
        tower(
            machine='cpu = { model = "Pentium", features = ["sse4_2"] }',
            env=TF18.replace("1.8", "1.6"),
        ),
        ("RS212", {"cpu", "tensorflow"}, 2),
        tower(
            machine='cpu = { model = "Pentium", features = ["sse4_2"] }',
            env=TF18.replace("1.8", "1.5"),
        ),
    ),
    "Python 2.7 of Debian 12": (
        '[machine.box]\nos = "debian 12"\n[env.lab]\npython = "2.7"\ninterpreter = "system"',
        ("RS213", {"os", "python"}, 3),
        '[machine.box]\nos = "debian 11"\n[env.lab]\npython = "2.7"\ninterpreter = "system"',
    ),
    "GCC 8 with CUDA 9.0": (
        tower(machine='gcc = "8"', cuda='toolkit = "9.0"', os="ubuntu >=16.04"),
        (None, {"gcc"}, 3),
        tower(machine='gcc = "5"', cuda='toolkit = "9.0"'),
    ),
    "protobuf 4 with tensorflow 1.8": (
        tower(env=TF18 + '\npackages = { protobuf = "4" }'),
        ("RS217", {"protobuf", "tensorflow"}, 2),
        tower(env=TF18 + '\npackages = { protobuf = "3.19" }'),
    ),
    "CUDA 9.0 packages for Debian 11": (
        tower(os="debian 11", cuda='toolkit = "9.0"'),
        ("RS216", {"os", "cuda"}, 2),
        tower(os="debian 11", cuda='toolkit = "9.0"\nprovider = "runfile"'),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_conflict_names_components_in_few_lines(name: str, tmp_path: Path) -> None:
    refused, (code, between, lines), _ = CASES[name]

    report = check(tmp_path, refused)

    found = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    assert len(found) == 1
    assert code is None or found[0].code == code
    assert between <= set(found[0].components)
    assert len(found[0].spans) <= lines
    assert found[0].facts
    assert all(fact.sources for fact in found[0].facts)


@pytest.mark.parametrize("name", CASES)
def test_similar_rig_without_conflict_resolves(name: str, tmp_path: Path) -> None:
    _, _, admitted = CASES[name]
    report = check(tmp_path, admitted)
    assert errors(report) == []
    assert report.resolution is not None


@pytest.mark.parametrize("name", CASES)
def test_repair_applied_gives_its_resolution(name: str, tmp_path: Path) -> None:
    """A repair, made in the spec by hand, gives just the resolution that was promised."""
    refused, _, _ = CASES[name]
    (error,) = [d for d in check(tmp_path, refused).diagnostics if d.severity is Severity.ERROR]
    for repair in error.repairs:
        changed_problem = refused
        for edit in repair.edits:
            table, _, key = edit.key.rpartition(".")
            if edit.before is None:
                changed_problem = changed_problem.replace(
                    f"[{table}]", f'[{table}]\n{key} = "{edit.after}"', 1
                )
                continue
            before, after = f'{key} = "{edit.before}"', f'{key} = "{edit.after}"'
            assert before in changed_problem, edit
            changed_problem = changed_problem.replace(before, after, 1)
        report = check(tmp_path, changed_problem)
        assert errors(report) == []
        assert report.resolution == repair.resolution


def test_repair_for_turing_offers_supported_framework(tmp_path: Path) -> None:
    refused = CASES["RTX 2070 with tensorflow 1.8"][0]
    (error,) = [d for d in check(tmp_path, refused).diagnostics if d.severity is Severity.ERROR]
    reached = {
        (pin.version.rpartition(".")[0], (repair.resolution.cuda or "")[:4])
        for repair in error.repairs
        if repair.resolution is not None
        for env in repair.resolution.envs
        for pin in env.frameworks
    }
    assert ("1.13", "10.0") in reached


def test_conflicts_that_are_independent_are_reported_separately(tmp_path: Path) -> None:
    text = tower(machine='driver = "375"', cuda='toolkit = "9.0"')
    text += '[env.old]\npython = "2.7"\npip = "21.3"\ninterpreter = "pyenv"\n'
    report = check(tmp_path, text)
    assert sorted(errors(report)) == ["RS204", "RS208"]


def test_resolution_of_free_rig_is_newest(tmp_path: Path) -> None:
    text = tower(env='frameworks = { tensorflow = "*", keras = "*" }')
    report = check(tmp_path, text)
    assert report.resolution is not None
    (env,) = report.resolution.envs
    assert [(pin.name, pin.version) for pin in env.frameworks] == [
        ("keras", "2.11.0"),
        ("tensorflow", "2.11.1"),
    ]
    assert (report.resolution.cuda or "").startswith("11.3")  # the last for Ubuntu 16.04
    assert env.python.startswith("3.10")


def test_version_that_was_never_released_is_unknown(tmp_path: Path) -> None:
    report = check(tmp_path, tower(env='frameworks = { tensorflow = "1.99" }'))
    assert errors(report) == ["RS214"]


def test_package_that_ended_suggests_its_successor(tmp_path: Path) -> None:
    report = check(tmp_path, tower(env='packages = { tensorflow-gpu = "2.12" }'))
    (error,) = [d for d in report.diagnostics if d.code == "RS214"]
    assert "unknown tensorflow-gpu version `2.12`" in error.message
    assert "2.21" not in error.help[0]
    assert "is 2.11.0" in error.help[1]
    assert 'write `tensorflow = "2.12"`' in error.help[1]


def test_unknown_names_suggest_the_nearest(tmp_path: Path) -> None:
    report = check(tmp_path, tower(gpu="GTX 1085 Ti", env='frameworks = { tensorfow = "1.8" }'))
    assert report.status == "invalid"
    reported = {d.code: " ".join(d.help) for d in report.diagnostics}
    assert "GTX 1080 Ti" in reported["RS101"]
    assert "tensorflow" in reported["RS009"]


def test_unknown_card_with_compute_capability_resolves(tmp_path: Path) -> None:
    text = tower(cuda='toolkit = "9.0"').replace(
        'model = "GTX 1080 Ti"', 'model = "Prototype", compute_capability = "6.2"'
    )
    assert errors(check(tmp_path, text)) == []


def test_driver_without_table_row_is_checked_by_rules(tmp_path: Path) -> None:
    fits = tower(machine='driver = "470.199.02"', cuda='toolkit = "11.4"\nprovider = "runfile"')
    assert errors(check(tmp_path, fits)) == []
    kepler = tower(gpu="Tesla K80", machine='driver = "525.199.02"', os="ubuntu 20.04")
    assert errors(check(tmp_path, kepler)) == ["RS206"]


def test_framework_without_cuda_wheels_has_no_driver_requirement(tmp_path: Path) -> None:
    """Newer releases take CUDA from wheels, which asks for a newer driver; 1.4 does not."""
    text = tower(machine='driver = "375"', cuda='toolkit = "8.0"', env=TF18.replace("1.8", "1.4"))
    assert errors(check(tmp_path, text)) == []


def test_conflict_of_post_release_is_reported(tmp_path: Path) -> None:
    text = tower(os="ubuntu 18.04", env='python = "3.4"\nframeworks = { mxnet = "==1.0.0" }')
    report = check(tmp_path, text + 'packages = { mxnet = "==0.9.5" }\n')
    codes = {d.code for d in report.diagnostics if d.severity is Severity.ERROR}
    assert codes & {"RS219", "RS230"}


def test_image_that_was_removed_is_a_warning_with_help(tmp_path: Path) -> None:
    text = tower() + '[container]\nbase = "nvidia/cuda:9.0-cudnn7-devel-ubuntu16.04"\n'
    report = check(tmp_path, text)
    (warning,) = [d for d in report.diagnostics if d.code == "RS304"]
    assert "last listed on 2023-04-11" in warning.message
    assert "remove `base`" in warning.help[0]
    assert report.resolution is not None
    assert report.resolution.cuda == "9.0.176"


def test_unknown_image_suggests_the_nearest(tmp_path: Path) -> None:
    text = tower() + '[container]\nbase = "nvidia/cuda:9.0-cudnn7-devel-ubuntu1604"\n'
    (warning,) = [d for d in check(tmp_path, text).diagnostics if d.code == "RS304"]
    assert "similar images: nvidia/cuda:9.0-cudnn7-devel-ubuntu16.04" in warning.help[0]


@pytest.mark.parametrize(("toolkit", "reported"), [("12.4", True), ("12.1", False), ("12", False)])
def test_wheels_with_another_cuda_than_requested_are_reported(
    toolkit: str, reported: bool, tmp_path: Path
) -> None:
    env = 'python = "3.10"\nframeworks = { torch = "2.1" }'
    text = tower(os="ubuntu 22.04", cuda=f'provider = "wheels"\ntoolkit = "{toolkit}"', env=env)
    found = [d for d in check(tmp_path, text).diagnostics if d.code == "RS243"]
    assert ["include CUDA 12.1" in d.message for d in found] == [True] * reported


def test_image_with_another_cuda_than_requested_is_an_error(tmp_path: Path) -> None:
    text = tower(cuda='toolkit = "10.0"')
    text += '[container]\nbase = "nvidia/cuda:9.0-cudnn7-devel-ubuntu16.04"\n'
    assert errors(check(tmp_path, text)) == ["RS231"]


def test_yanked_release_is_chosen_only_by_exact_version(tmp_path: Path) -> None:
    requested = tower(os="ubuntu 22.04", env='frameworks = { jax = "==0.4.32" }')
    assert "RS306" in {d.code for d in check(tmp_path, requested).diagnostics}
    free = tower(os="ubuntu 22.04", env='frameworks = { jax = ">=0.4.31,<0.4.33" }')
    report = check(tmp_path, free)
    assert report.resolution is not None
    assert report.resolution.envs[0].frameworks[0].version == "0.4.31"


def test_cloud_instance_has_gpu_from_matrix(tmp_path: Path) -> None:
    cloud = '[machine.p2]\nkind = "cloud"\ninstance = "aws p2.xlarge"\nos = "ubuntu 18.04"\n'
    assert errors(check(tmp_path, cloud + 'driver = "525"\n')) == ["RS206"]
    assert errors(check(tmp_path, cloud + 'driver = "470"\n')) == []
    assert errors(check(tmp_path, cloud.replace("p2.xlarge", "p2.xlarg"))) == ["RS009"]


def test_gpu_name_of_several_chips_is_ambiguous(tmp_path: Path) -> None:
    report = check(tmp_path, tower(gpu="GT 630"))
    assert errors(report) == ["RS101"]
    assert "GK107" in report.diagnostics[0].facts[0].statement


@pytest.mark.parametrize("written", ["2x RTX 5090", "RTX 5090 x2", "2 X RTX 5090"])
def test_number_of_cards_in_a_name_is_answered_with_a_count(written: str, tmp_path: Path) -> None:
    text = f'[machine.box]\nos = "ubuntu 24.04"\ngpus = ["{written}"]\n'
    report = check(tmp_path, text)
    (error,) = [each for each in report.diagnostics if each.code == "RS101"]
    assert error.help == ('write `{ model = "RTX 5090", count = 2 }`',)


@pytest.mark.parametrize(
    ("gpu", "framework", "strength"),
    [
        ("RTX 3090", 'torch = "2.7"', None),  # sm_86 is in the wheel
        ("RTX 4090", 'torch = "2.7"', "RS221"),  # sm_86 code runs on 8.9
        ("H100 PCIe", 'tensorflow = "2.14"', "RS222"),  # compiled from PTX at first use
        ("GTX 1080 Ti", 'torch = "2.15"', "RS220"),  # no build for 6.1
    ],
)
def test_gpu_code_of_wheel_is_reported_in_four_levels(
    gpu: str, framework: str, strength: str | None, tmp_path: Path
) -> None:
    env = f'python = "3.11"\nframeworks = {{ {framework} }}'
    report = check(tmp_path, tower(os="ubuntu 22.04", gpu=gpu, env=env))
    severity = {None: "ok", "RS221": "ok", "RS222": "ok", "RS220": "conflict"}[strength]
    reported = {d.code for d in report.diagnostics} & {"RS220", "RS221", "RS222"}
    assert report.status == severity
    assert reported == ({strength} if strength else set())


def test_notebook_on_all_interfaces_without_password_is_an_error(tmp_path: Path) -> None:
    text = tower(env=TF18) + '[service.jupyter]\nenv = "lab"\naddress = "*"\n'
    assert errors(check(tmp_path, text)) == ["RS405"]


def test_processor_without_known_features_is_not_checked(tmp_path: Path) -> None:
    text = tower(machine='cpu = "AMD Athlon 200GE"', env=TF18)
    report = check(tmp_path, text)
    (note,) = [d for d in report.diagnostics if d.code == "RS212"]
    assert note.severity is Severity.NOTE
    assert "not checked" in note.message
    assert errors(report) == []


@pytest.mark.parametrize("machine", ["", 'driver = "none"'])
@pytest.mark.parametrize("version", ["*", "13.6", ">=12"])
def test_conflict_of_gpu_framework_without_gpu_names_its_line(
    machine: str, version: str, tmp_path: Path
) -> None:
    text = f'[machine.box]\nos = "ubuntu 24.04"\n{machine}\n[env.lab]\n'
    report = check(tmp_path, f'{text}frameworks = {{ cupy = "{version}" }}\n')
    (found,) = report.diagnostics
    written = "" if version == "*" else f" {version}"
    assert found.code == "RS201"
    assert found.message == f"CuPy{written} cannot be installed on this rig: it requires a GPU"
    assert [span.line for span in found.spans] == [7]
