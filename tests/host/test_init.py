"""What `rigspec init` writes: a start, this machine, and machines that others have recorded."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from rigspec.host.cloud_detection import detect_cloud
from rigspec.host.facts import find_host
from rigspec.host.parsers import parse_nvidia_smi
from rigspec.host.recording import QUESTIONS, Recording, load_recording
from rigspec.host.spec_writer import render_spec
from rigspec.spec.loader import InvalidSpec, load_spec
from tests.injection.texts import HOSTILE

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
MACHINES = Path(__file__).parent / "machines"

# A recorded machine, and what `check` makes of its spec: exit status, and what it says.
RECORDED = {
    "a100-sxm4": (0, ": ok"),
    "cloud-aws-g2": (0, ": ok"),
    "four-a10": (0, ": ok"),
    "gtx-1070-ti": (0, ": ok"),
    "h100-rocky-8": (0, ": ok"),
    "laptop-rtx-2070": (0, ": ok"),
    "laptop-rtx-4070": (0, ": ok"),
    "laptop-ryzen-3750h": (0, ": ok"),
    "rtx-2080": (0, ": ok"),
    "rtx-3090-ubuntu-24.04": (0, ": ok"),
    "tesla-t4": (0, ": ok"),
    "threadripper-3960x": (0, ": ok"),
    "ubuntu-16.04": (0, ": ok"),
}


# --- a start -------------------------------------------------------------------------------


def test_the_start_can_exist_and_is_named_after_its_file(tmp_path: Path, rigspec: Rigspec) -> None:
    file = tmp_path / "tower.toml"
    done = rigspec("init", str(file))
    assert done.returncode == 0
    assert f"wrote {file}" in done.stderr
    assert tomli.loads(file.read_text())["name"] == "tower"
    checked = rigspec("check", str(file))
    assert checked.returncode == 0
    assert checked.stderr == ""


def test_every_line_that_is_commented_out_is_of_the_language(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    text = rigspec("init", "-").stdout
    ready = re.sub(r"^# (?=[\w\[]+(?:[\w.]*\]| = ))", "", text, flags=re.M)
    assert ready.count("\n#") < text.count("\n#") - 15
    file = tmp_path / "rig.toml"
    # A key is a key only as a whole.
    file.write_text(re.sub(r"^ssh_keys.*\n", "", ready, flags=re.M))
    load_spec(str(file))


def test_what_is_there_stays(tmp_path: Path, rigspec: Rigspec) -> None:
    file = tmp_path / "rig.toml"
    file.write_text("mine")
    for arguments in ((), ("--from-host",)):
        done = rigspec("init", str(file), *arguments)
        assert done.returncode == 2
        assert "already exists" in done.stderr
        assert file.read_text() == "mine"
    assert rigspec("init", str(file), "--force", "--quiet").stderr == ""
    assert file.read_text() != "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["rig.toml"]


def test_init_invalid_arguments_are_errors(tmp_path: Path, rigspec: Rigspec) -> None:
    wrong = [
        (["-", "--name", "A B"], "invalid rig name `A B`"),
        (["-", "--from-host", "--from-recording", str(tmp_path)], "are mutually exclusive"),
        (["-", "--from-recording", str(tmp_path)], "does not contain a recording"),
        ([str(tmp_path / "nowhere" / "rig.toml")], "cannot be written"),
    ]
    for arguments, words in wrong:
        done = rigspec("init", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


# --- this machine --------------------------------------------------------------------------


def test_this_machine_is_described_as_it_is(tmp_path: Path, rigspec: Rigspec) -> None:
    file = tmp_path / "rig.toml"
    done = rigspec("init", str(file), "--from-host")
    assert done.returncode == 0
    machine = tomli.loads(file.read_text())["machine"]["host"]
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', Path("/etc/os-release").read_text(), re.M))
    assert machine["os"].split()[0] == release["ID"]
    assert release["VERSION_ID"].startswith(machine["os"].split()[1])
    # What the container or the scheduler leaves to one process is no matter.
    assert machine["cpu"]["threads"] == os.sysconf("SC_NPROCESSORS_ONLN")
    flags = re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    assert ("avx" in machine["cpu"]["features"]) == ("avx" in flags[1].split() if flags else False)
    amount, unit = machine["memory"]["size"].split()
    size = int(amount) * (1024 if unit == "GiB" else 1)
    total = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M)
    assert total is not None
    # Modules are more than what the kernel has of them.
    assert int(total[1]) // 1024 <= size <= int(total[1]) // 1024 * 1.2
    assert rigspec("check", str(file)).returncode in (0, 1)


def test_what_is_not_read_is_named_in_the_spec_and_on_stderr(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    done = rigspec("init", str(tmp_path / "rig.toml"), "--from-host")
    undetected = [line.partition("not detected: ")[2] for line in done.stderr.splitlines()]
    text = (tmp_path / "rig.toml").read_text()
    assert "psu, case (fill in by hand)" in undetected
    for line in filter(None, undetected):
        assert f"# Not detected: {line}\n" in text


def test_init_output_does_not_identify_the_owner(tmp_path: Path, rigspec: Rigspec) -> None:
    folder = tmp_path / "recording"
    assert rigspec("init", "--record", str(folder)).returncode == 0
    output = "".join(path.read_text() for path in sorted(folder.iterdir()))
    for private in (os.uname().nodename, Path("/etc/machine-id"), os.path.expanduser("~")):
        secret = private.read_text().strip() if isinstance(private, Path) else private
        assert len(secret) < 4 or secret not in output
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}|([0-9a-f]{2}:){5}", output)


def test_a_recording_says_what_the_machine_says(tmp_path: Path, rigspec: Rigspec) -> None:
    folder, one, other = tmp_path / "recording", tmp_path / "a" / "b.toml", tmp_path / "b.toml"
    one.parent.mkdir()
    rigspec("init", "--record", str(folder))
    assert rigspec("init", "--record", str(folder)).returncode == 2
    rigspec("init", str(one), "--from-recording", str(folder))
    rigspec("init", str(other), "--from-host")
    same = [re.sub(r"MiB|\d+", "", path.read_text()) for path in (one, other)]
    assert same[0] == same[1]


# --- machines of others --------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_recorded_machine(
    name: str, rigspec: Rigspec, golden: Callable[[Path, str], None]
) -> None:
    done = rigspec("init", "-", "--from-recording", str(MACHINES / name), "--name", "recorded")
    assert done.returncode == 0
    file = MACHINES / f"{name}.toml"
    golden(file, done.stdout)
    status, words = RECORDED[name]
    checked = rigspec("check", str(file))
    assert checked.returncode == status, checked.stderr
    assert words in checked.stdout + checked.stderr


def test_recordings_name_their_source_and_no_person() -> None:
    folders = sorted(path for path in MACHINES.iterdir() if path.is_dir())
    assert [folder.name for folder in folders] == sorted(RECORDED)
    for folder in folders:
        source = (folder / "SOURCE").read_text()
        assert source.startswith("https://github.com/")
        assert "Read 2026-11-21." in source
        assert {path.name for path in folder.iterdir()} <= {*QUESTIONS, "SOURCE"}
        for path in folder.iterdir():
            assert not re.search(r"GPU-[0-9a-f]{8}|<(serial|uuid)>|Serial Number", path.read_text())


def test_providers_are_known_by_their_firmware() -> None:
    nitro = detect_cloud({"sys_vendor": "Amazon EC2", "product_name": "g4dn.xlarge"})
    assert nitro is not None
    assert (nitro.family, nitro.instance) == ("aws", "g4dn.xlarge")
    google = detect_cloud({"sys_vendor": "Google", "product_name": "Google Compute Engine"})
    assert google is not None
    assert (google.family, google.instance) == ("google", None)
    assert detect_cloud({"sys_vendor": "ASUS", "product_name": "System Product Name"}) is None


def test_init_known_cloud_instance_has_its_gpus(tmp_path: Path, rigspec: Rigspec) -> None:
    (tmp_path / "dmi").write_text("sys_vendor: Amazon EC2\nproduct_name: g4dn.xlarge\n")
    (tmp_path / "os-release").write_text('ID=ubuntu\nVERSION_ID="22.04"\n')
    (tmp_path / "nvidia-smi-list").write_text("GPU 0: Tesla T4\n")
    text = rigspec("init", "-", "--from-recording", str(tmp_path)).stdout
    machine = tomli.loads(text)["machine"]["host"]
    assert machine["instance"] == "aws g4dn.xlarge"
    assert "gpus" not in machine
    (tmp_path / "rig.toml").write_text(text)
    assert rigspec("check", str(tmp_path / "rig.toml")).returncode == 0


# --- what cannot be read -------------------------------------------------------------------


def test_init_invalid_output_of_program_is_reported_as_undetected(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><nvidia_smi_log>&b;'
    (tmp_path / "nvidia-smi.xml").write_text(bomb)
    (tmp_path / "lsblk.json").write_text("[1, 2")
    (tmp_path / "environments.json").write_text('{"a": 1}')
    done = rigspec("init", "-", "--from-recording", str(tmp_path))
    assert done.returncode == 0
    assert "not detected: storage (" in done.stderr
    assert tomli.loads(done.stdout)["machine"]["host"]["os"] == "debian 12"
    with pytest.raises(ValueError, match="entities"):
        parse_nvidia_smi(bomb)


# --- hostile -------------------------------------------------------------------------------

WORDS = st.one_of(st.sampled_from(sorted(HOSTILE.values())), st.text(max_size=60))


def answers(text: str) -> dict[str, str]:
    """A machine on which every name is this text."""
    row = {"name": text, "interpreter": "conda", "python": "3.6.5", "others": 1}
    packages = {text: "1.0", "tensorflow": text, "torch": "1.0", "pip": text}
    return {
        "os-release": f'ID=ubuntu\nVERSION_ID="22.04"\nX={text}\n',
        "lscpu": f"Architecture: x86_64\nModel name: {text}\nSocket(s): {text}\nFlags: {text}\n",
        "meminfo": f"MemTotal: 16000000 kB\n{text}\n",
        "lspci": f"01:00.0 VGA [0300]: NVIDIA X [{text}] [10de:1b06] (rev a1)\n",
        "dmi": f"board_vendor: {text}\nboard_name: {text}\nsys_vendor: {text}\n",
        "nvidia-smi-list": f"GPU 0: {text}\n",
        "compute-capability.csv": f"{text}, 6.1\n",
        "nvidia-module": text,
        "gcc": f"gcc {text}\n",
        "docker": f"Docker version {text}\n",
        "cuda-version": f"CUDA Version 9.0.176 {text}\n",
        "toolkit-packages": text,
        "environments.json": json.dumps([{**row, "packages": packages}]),
    }


@settings(deadline=None, max_examples=150)
@given(WORDS)
def test_hostile_names_stay_names(text: str) -> None:
    texts = answers(text)
    host = find_host(Recording(texts, {"dmidecode": text}))
    written = render_spec(host, "rig")
    spec = tomli.loads(written)
    assert set(spec) <= {"rig", "name", "machine", "cuda", "env"}
    assert set(spec["machine"]) == {"host"}
    known = {"kind", "os", "driver", "gcc", "docker", "cpu", "gpus", "motherboard", "memory"}
    assert set(spec["machine"]["host"]) <= known


def test_hostile_names_make_a_spec_that_is_read(tmp_path: Path) -> None:
    for name, text in HOSTILE.items():
        host = find_host(Recording(answers(text), {}))
        file = tmp_path / "rig.toml"
        file.write_text(render_spec(host, "rig"), encoding="utf-8")
        try:
            load_spec(str(file))
        except InvalidSpec as error:
            pytest.fail(f"{name}: {[d.message for d in error.diagnostics]}")


def test_a_recording_from_elsewhere_is_made_nameless(tmp_path: Path) -> None:
    (tmp_path / "dmidecode").write_text(
        "Handle 0x2\nBase Board Information\n\tProduct Name: X99\n\tSerial Number: 0123456\n"
    )
    (tmp_path / "nvidia-smi.xml").write_text(
        "<nvidia_smi_log><gpu>\n<uuid>GPU-1</uuid>\n<product_name>Tesla T4</product_name>\n"
        "<processes>\n<process_info>/home/alice/x</process_info>\n</processes>\n"
        "</gpu></nvidia_smi_log>\n"
    )
    texts = load_recording(tmp_path).texts
    assert "0123456" not in texts["dmidecode"]
    assert "alice" not in texts["nvidia-smi.xml"]
    assert "GPU-1" not in texts["nvidia-smi.xml"]


@pytest.mark.parametrize("architecture", ["aarch64", "riscv64"])
def test_init_writes_architecture_that_a_rig_can_have(
    architecture: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    recording, file = tmp_path / "recording", tmp_path / "rig.toml"
    shutil.copytree(MACHINES / "rtx-3090-ubuntu-24.04", recording)
    lines = f"Architecture: {architecture}\nModel name: Neoverse\n"
    (recording / "lscpu").write_text(lines, "utf-8")
    done = rigspec("init", str(file), "--from-recording", str(recording))
    if architecture == "aarch64":
        assert done.returncode == 0, done.stderr
        assert 'arch = "aarch64"' in file.read_text("utf-8")
        return
    assert done.returncode != 0
    reason = "this machine is riscv64, but a rig can describe x86_64 and aarch64 machines only"
    assert reason in done.stderr
    assert not file.exists()
