"""What a user is explain when a conda environment cannot be: the fewest lines, and why."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lock.conda_channel import Channel, rig, served

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
GPU = 'os = "ubuntu 16.04"\ndriver = "{}"\ngpus = [{{ model = "GTX 1080 Ti" }}]'


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    found = Channel(tmp_path / "channel")
    found.add_python()
    return found


@pytest.fixture
def explain(tmp_path: Path, rigspec: Rigspec) -> Callable[[str], tuple[list[str], str]]:
    """The lines of the spec that a failed lock points at, and all that it says."""

    def lock(text: str) -> tuple[list[str], str]:
        spec = tmp_path / "rig.toml"
        spec.write_text(text, encoding="utf-8")
        done = rigspec("lock", spec, "-o", tmp_path / "lock")
        assert done.returncode == 1, done.stdout + done.stderr
        assert not (tmp_path / "lock").exists()
        shown = re.findall(r"^ *\d+ \| (.*)$", done.stderr, re.MULTILINE)
        return shown, " ".join(done.stderr.split())

    return lock


Explain = Callable[[str], "tuple[list[str], str]"]


def test_conda_conflict_of_two_lines_shows_only_both(channel: Channel, explain: Explain) -> None:
    channel.add("toolkit", "9.0")
    channel.add("toolkit", "10.0")
    channel.add("learner", "1.8", ["toolkit 9.0.*"])
    channel.add("other", "1.0")
    lines, words = explain(
        rig(channel.url, packages='learner = "1.8"\nother = "*"\ntoolkit = "10.0"')
    )
    assert lines == ['learner = "1.8"', 'toolkit = "10.0"']
    assert "requests toolkit 10.0.*" in words
    assert f"learner 1.8 of the channel `{channel.url}` requires toolkit 9.0.*" in words


def test_conda_conflict_of_dependencies_lists_steps(channel: Channel, explain: Explain) -> None:
    channel.add("base", "1.0")
    channel.add("base", "2.0")
    channel.add("middle", "1.0", ["base >=2"])
    channel.add("top", "1.0", ["middle"])
    lines, words = explain(rig(channel.url, packages='base = "<2"\ntop = "*"'))
    assert lines == ['base = "<2"', 'top = "*"']
    assert "top 1.0" in words
    assert "requires middle" in words
    assert "requires base >=2" in words


def test_conda_conflict_with_driver_names_driver(channel: Channel, explain: Explain) -> None:
    channel.add("kernels", "2.0", ["__cuda >=10.0"])
    lines, words = explain(rig(channel.url, packages='kernels = "*"', machine=GPU.format("384.81")))
    assert lines == ['kernels = "*"']
    assert "requires CUDA >=10.0; driver 384.81 supports CUDA 9.0" in words


def test_conda_conflict_without_driver_states_it(channel: Channel, explain: Explain) -> None:
    channel.add("kernels", "2.0", ["__cuda >=10.0"])
    _, words = explain(rig(channel.url, packages='kernels = "*"'))
    assert "requires CUDA >=10.0; this machine has no NVIDIA driver" in words


def test_conda_conflict_with_glibc_names_glibc(channel: Channel, explain: Explain) -> None:
    channel.add("tool", "1.0", ["__glibc >=2.28"])
    _, words = explain(rig(channel.url, packages='tool = "*"'))
    assert "requires glibc >=2.28; ubuntu 16.04 has 2.23" in words


def test_conda_conflict_by_channel_priority_names_channels(
    channel: Channel, tmp_path: Path, explain: Explain
) -> None:
    channel.add("tool", "1.0")
    second = Channel(tmp_path / "second")
    second.add("tool", "2.0")
    lines, words = explain(rig(channel.url, second.url, packages='tool = ">=2"'))
    assert lines == [f'channels = ["{channel.url}", "{second.url}"]', 'tool = ">=2"']
    assert "the first channel that has a package decides" in words
    assert f"comes before the channel `{second.url}`, which has 2.0" in words


def test_conda_conflict_with_as_of_names_day(channel: Channel, explain: Explain) -> None:
    day = 86_400_000
    channel.add("tool", "2.0", timestamp=17_900 * day)
    for record in channel.records["linux-64"].values():
        record.setdefault("timestamp", 17_000 * day)
    channel.write()
    lines, words = explain(rig(channel.url, packages='tool = "*"', more="as_of = 2018-07-01"))
    assert lines == ["as_of = 2018-07-01", 'tool = "*"']
    assert "no tool is from that day or before" in words


def test_conda_channel_without_times_conflicts_with_as_of(
    channel: Channel, explain: Explain
) -> None:
    lines, words = explain(rig(channel.url, more="as_of = 2018-07-01"))
    assert "as_of = 2018-07-01" in lines
    assert "states its upload time, which `as_of` needs" in words


def test_conda_unknown_package_lists_similar_names(channel: Channel, explain: Explain) -> None:
    channel.add("numpy", "1.14.3")
    lines, words = explain(rig(channel.url, packages='numpyy = "*"'))
    assert "error[RS520]: no channel of the environment `lab` has `numpyy`" in words
    assert "nearest: numpy" in words
    assert lines == [f'channels = ["{channel.url}"]', 'numpyy = "*"']


def test_conda_environment_without_channels_is_refused(explain: Explain) -> None:
    lines, words = explain(rig(packages='numpy = "*"'))
    assert lines == ['manager = "conda"']
    assert "needs `channels`" in words


@pytest.fixture
def real(tmp_path: Path) -> Iterator[list[str]]:
    """PyTorch's channel and the default one as they were, with substitutes for missing packages."""
    own, main = Channel(tmp_path / "own"), Channel(tmp_path / "main")
    pytorch = Channel(tmp_path / "pytorch")
    main.take_records("main-2018")
    pytorch.take_records("pytorch")
    for version in ("9.2", "10.1", "10.2", "11.1", "11.3"):
        own.add("cudatoolkit", version, [f"__cuda >={version}"])
    own.add("pytorch-mutex", "1.0", build="cuda")
    own.add("pytorch-mutex", "1.0", build="cpu")
    own.add("typing_extensions", "4.1.1", ["python"])
    own.add("dataclasses", "0.8", ["python"])
    own.add("libuv", "1.40.0")
    with served(tmp_path) as address:
        yield [f"{address}/{name}" for name in ("pytorch", "main", "own")]


@pytest.mark.parametrize(
    ("machine", "build"),
    [
        (GPU.format("440.33"), "py3.6_cuda10.2_cudnn7.6.5_0"),
        (GPU.format("460.32.03"), "py3.6_cuda11.1_cudnn8.0.5_0"),
        ('os = "ubuntu 16.04"', "py3.6_cpu_0"),
    ],
)
def test_conda_solve_with_driver_selects_pytorch_build(
    real: list[str], machine: str, build: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(rig(*real, packages='pytorch = "1.10"', machine=machine), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    listed = (tmp_path / "lock/tower/lab.explicit.txt").read_text(encoding="utf-8")
    assert re.findall(r"/pytorch-1\.10\.2-(\S+)\.tar\.bz2#", listed) == [build]
    assert "/python-3.6." in listed
    pinned = (tmp_path / "lock/tower/lab.requirements.txt").read_text(encoding="utf-8")
    assert "torch" not in pinned


def test_conda_real_channels_with_old_python_conflict(real: list[str], explain: Explain) -> None:
    lines, words = explain(rig(*real, packages='numpy = "*"\npytorch = "1.13"'))
    assert lines == ['python = "3.6"', 'pytorch = "1.13"']
    assert re.search(
        r"pytorch 1\.13\.0 to 1\.13\.1 of the channel `\S+` requires python >=3\.", words
    )


def test_conda_real_channels_with_as_of_conflict(real: list[str], explain: Explain) -> None:
    lines, words = explain(rig(real[1], packages='numpy = "1.14"', more="as_of = 2018-01-01"))
    assert lines == ["as_of = 2018-01-01", 'numpy = "1.14"']
    assert "has numpy 1.9.3 to 1.13.3" in words
