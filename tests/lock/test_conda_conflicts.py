"""What a user is told when a conda environment cannot be: the fewest lines, and why."""

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
def told(tmp_path: Path, rigspec: Rigspec) -> Callable[[str], tuple[list[str], str]]:
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


Told = Callable[[str], "tuple[list[str], str]"]


def test_two_lines_that_collide_are_both_shown_and_no_third(channel: Channel, told: Told) -> None:
    channel.add("toolkit", "9.0")
    channel.add("toolkit", "10.0")
    channel.add("learner", "1.8", ["toolkit 9.0.*"])
    channel.add("other", "1.0")
    lines, words = told(rig(channel.url, packages='learner = "1.8"\nother = "*"\ntoolkit = "10.0"'))
    assert lines == ['learner = "1.8"', 'toolkit = "10.0"']
    assert "asks for toolkit 10.0.*" in words
    assert f"learner 1.8 of the channel `{channel.url}` wants toolkit 9.0.*" in words


def test_a_conflict_two_packages_deep_is_told_step_by_step(channel: Channel, told: Told) -> None:
    channel.add("base", "1.0")
    channel.add("base", "2.0")
    channel.add("middle", "1.0", ["base >=2"])
    channel.add("top", "1.0", ["middle"])
    lines, words = told(rig(channel.url, packages='base = "<2"\ntop = "*"'))
    assert lines == ['base = "<2"', 'top = "*"']
    assert "top 1.0" in words
    assert "wants middle" in words
    assert "wants base >=2" in words


def test_what_the_targets_driver_cannot_do_names_the_driver(channel: Channel, told: Told) -> None:
    channel.add("kernels", "2.0", ["__cuda >=10.0"])
    lines, words = told(rig(channel.url, packages='kernels = "*"', machine=GPU.format("384.81")))
    assert lines == ['kernels = "*"']
    assert "wants CUDA >=10.0; driver 384.81 supports CUDA 9.0" in words


def test_a_machine_without_a_driver_is_told_so(channel: Channel, told: Told) -> None:
    channel.add("kernels", "2.0", ["__cuda >=10.0"])
    _, words = told(rig(channel.url, packages='kernels = "*"'))
    assert "wants CUDA >=10.0; this machine has no NVIDIA driver" in words


def test_the_targets_c_library_is_named(channel: Channel, told: Told) -> None:
    channel.add("tool", "1.0", ["__glibc >=2.28"])
    _, words = told(rig(channel.url, packages='tool = "*"'))
    assert "wants glibc >=2.28; ubuntu 16.04 has 2.23" in words


def test_a_channel_that_comes_first_and_lacks_the_version(
    channel: Channel, tmp_path: Path, told: Told
) -> None:
    channel.add("tool", "1.0")
    second = Channel(tmp_path / "second")
    second.add("tool", "2.0")
    lines, words = told(rig(channel.url, second.url, packages='tool = ">=2"'))
    assert lines == [f'channels = ["{channel.url}", "{second.url}"]', 'tool = ">=2"']
    assert "the first channel that has a package decides" in words
    assert f"comes before the channel `{second.url}`, which has 2.0" in words


def test_a_package_that_is_too_new_for_as_of(channel: Channel, told: Told) -> None:
    day = 86_400_000
    channel.add("tool", "2.0", timestamp=17_900 * day)
    for record in channel.records["linux-64"].values():
        record.setdefault("timestamp", 17_000 * day)
    channel.write()
    lines, words = told(rig(channel.url, packages='tool = "*"', more="as_of = 2018-07-01"))
    assert lines == ["as_of = 2018-07-01", 'tool = "*"']
    assert "no tool is from that day or before" in words


def test_a_channel_without_times_cannot_keep_a_day(channel: Channel, told: Told) -> None:
    lines, words = told(rig(channel.url, more="as_of = 2018-07-01"))
    assert "as_of = 2018-07-01" in lines
    assert "states its time, and `as_of` cannot be kept without" in words


def test_a_name_that_no_channel_has_is_told_with_its_neighbours(
    channel: Channel, told: Told
) -> None:
    channel.add("numpy", "1.14.3")
    lines, words = told(rig(channel.url, packages='numpyy = "*"'))
    assert "error[RS520]: no channel of the environment `lab` has `numpyy`" in words
    assert "nearest: numpy" in words
    assert lines == [f'channels = ["{channel.url}"]', 'numpyy = "*"']


def test_an_environment_without_channels_is_told_what_it_needs(told: Told) -> None:
    lines, words = told(rig(packages='numpy = "*"'))
    assert lines == ['manager = "conda"']
    assert "needs `channels`" in words


@pytest.fixture
def real(tmp_path: Path) -> Iterator[list[str]]:
    """PyTorch's channel and the default one as they were, and stand-ins for what they lack."""
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
def test_the_driver_chooses_among_pytorchs_real_builds(
    real: list[str], machine: str, build: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(rig(*real, packages='pytorch = "1.10"', machine=machine), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    listed = (tmp_path / "lock/tower/lab.explicit.txt").read_text(encoding="utf-8")
    assert re.findall(r"/pytorch-1\.10\.2-(\S+)\.tar\.bz2#", listed) == [build]
    assert "/python-3.6." in listed


def test_real_channels_and_a_python_that_is_too_old(real: list[str], told: Told) -> None:
    lines, words = told(rig(*real, packages='numpy = "*"\npytorch = "1.13"'))
    assert lines == ['python = "3.6"', 'pytorch = "1.13"']
    assert re.search(r"pytorch 1\.13\.0 to 1\.13\.1 of the channel `\S+` wants python >=3\.", words)


def test_real_channels_and_a_day(real: list[str], told: Told) -> None:
    lines, words = told(rig(real[1], packages='numpy = "1.14"', more="as_of = 2018-01-01"))
    assert lines == ["as_of = 2018-01-01", 'numpy = "1.14"']
    assert "has numpy 1.9.3 to 1.13.3" in words
