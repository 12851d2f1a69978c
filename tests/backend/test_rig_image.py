"""The program that a Dockerfile calls: what it refuses, and how it calls apt and pip."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAM = ROOT / "backends" / "image" / "rig-image"
LIST = "first=1.0 aaaa\nsecond=2:2.0-1 bbbb\n"
INDEX = """\
Package: first
Version: 1.0
SHA256: aaaa

Package: second
Version: 2:2.0-1
SHA256: {second}
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the program with stand-ins for apt and pip, which write their arguments to `calls`."""
    programs = tmp_path / "programs"
    (tmp_path / "lock").mkdir()
    stand_in(programs / "apt-get")
    stand_in(programs / "apt-mark")
    stand_in(programs / "python")
    (tmp_path / "index").write_text(INDEX.format(second="bbbb"), encoding="utf-8")
    stand_in(programs / "apt-cache", f"cat {tmp_path}/index")
    # The lists of this machine stay.
    stand_in(programs / "rm", '[ "$2" = /var/lib/apt/lists/* ] || exec /bin/rm "$@"')

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "RIG_LOCK": str(tmp_path / "lock"),
            "CALLS": str(tmp_path / "calls"),
        }
        return subprocess.run(
            ["sh", PROGRAM, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def stand_in(path: Path, last: str = ":") -> None:
    path.parent.mkdir(exist_ok=True)
    call = 'printf "%s\\n" "${0##*/} $*" >>"$CALLS"'
    path.write_text(f"#!/bin/bash\n{call}\n{last}\n", encoding="utf-8")
    path.chmod(0o755)


def locked(folder: Path, name: str, text: str) -> str:
    """Write a file of the lock; the argument that names it."""
    (folder / "lock" / name).write_text(text, encoding="utf-8")
    return f"{name}@{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def calls(folder: Path, program: str) -> list[str]:
    lines = (folder / "calls").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(program)]


def test_apt_install_locked_list_never_removes_and_never_recommends(
    run: Run, tmp_path: Path
) -> None:
    done = run("apt-install", locked(tmp_path, "packages.txt", LIST))
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path, "apt-get -qq install") == [
        "apt-get -qq install --yes --no-install-recommends --no-remove --allow-downgrades "
        "first=1.0 second=2:2.0-1"
    ]
    assert calls(tmp_path, "apt-mark") == []


@pytest.mark.parametrize("hold", ["--hold=second", "--hold-from=held.txt"])
def test_apt_install_holds_named_packages_of_its_lists(hold: str, run: Run, tmp_path: Path) -> None:
    locked(tmp_path, "held.txt", "second\nelsewhere\n")
    done = run("apt-install", hold, locked(tmp_path, "packages.txt", LIST))
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path, "apt-mark") == ["apt-mark hold second"]
    assert "--allow-change-held-packages" in calls(tmp_path, "apt-get -qq install")[0]


def test_apt_install_unlocked_package_is_not_downgraded(run: Run, tmp_path: Path) -> None:
    assert run("apt-install", "curl").returncode == 0
    (line,) = calls(tmp_path, "apt-get -qq install")
    assert line.endswith("--no-remove curl")


def test_apt_install_other_checksum_in_index_installs_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "index").write_text(INDEX.format(second="cccc"), encoding="utf-8")
    done = run("apt-install", locked(tmp_path, "packages.txt", LIST))
    assert done.returncode == 1
    assert done.stderr == (
        "second=2:2.0-1: checksum mismatch between the lock and the package index\n"
    )
    assert calls(tmp_path, "apt-get -qq install") == []


def test_apt_install_version_absent_from_index_asks_for_new_lock(run: Run, tmp_path: Path) -> None:
    index = INDEX.format(second="cccc").replace("2:2.0-1", "2:2.0-2")
    (tmp_path / "index").write_text(index, encoding="utf-8")
    done = run("apt-install", locked(tmp_path, "packages.txt", LIST))
    assert done.returncode == 1
    assert done.stderr == (
        "second=2:2.0-1: not in the package index\n"
        "the archive does not have these versions: lock and compile again, or use an archive with "
        "snapshots\n"
    )


def test_apt_install_version_of_base_image_need_not_be_in_index(run: Run, tmp_path: Path) -> None:
    record = "Package: second\nStatus: install ok installed\nVersion: 2:2.0-1\n"
    index = INDEX.partition("\n\n")[0] + f"\n\n{record}"
    (tmp_path / "index").write_text(index, encoding="utf-8")
    done = run("apt-install", locked(tmp_path, "packages.txt", LIST))
    assert done.returncode == 0, done.stderr


def test_apt_install_changed_list_is_refused(run: Run, tmp_path: Path) -> None:
    word = locked(tmp_path, "packages.txt", LIST)
    locked(tmp_path, "packages.txt", LIST + "third=3 dddd\n")
    done = run("apt-install", word)
    assert done.returncode == 1
    assert "packages.txt does not match" in done.stderr


def test_create_env_installs_only_hashed_packages(run: Run, tmp_path: Path) -> None:
    files = [
        locked(tmp_path, f"lab.{part}.txt", f"{part}\n")
        for part in ("tools", "requirements", "sources")
    ]
    create = tmp_path / "programs" / "create"
    stand_in(create, f'mkdir -p "$1/bin" && ln -s {tmp_path}/programs/python "$1/bin/python"')
    options = ("--index=https://example.org/simple", "--extra-index=https://example.org/whl")
    done = run("create-env", str(tmp_path / "env"), *options, *files, "--", "create")
    assert done.returncode == 0, done.stderr
    found = calls(tmp_path, "python")
    start = (
        "python -m pip --disable-pip-version-check --cache-dir /var/cache/pip install --quiet "
        "--require-hashes --index-url https://example.org/simple "
        "--extra-index-url https://example.org/whl "
    )
    lock = tmp_path / "lock"
    assert [line.removeprefix(start) for line in found] == [
        f"--only-binary :all: --upgrade --force-reinstall --requirement {lock}/lab.tools.txt",
        f"--only-binary :all: --no-deps --requirement {lock}/lab.requirements.txt",
        f"--no-build-isolation --no-deps --requirement {lock}/lab.sources.txt",
    ]


def test_download_other_content_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notice").write_text("a notice\n", encoding="utf-8")
    url, sha256 = f"file://{tmp_path}/notice", hashlib.sha256(b"a notice\n").hexdigest()
    place = tmp_path / "place" / "notice"
    assert run("download", url, sha256, "0640", str(place)).returncode == 0
    assert (place.read_text(encoding="utf-8"), place.stat().st_mode & 0o777) == (
        "a notice\n",
        0o640,
    )
    done = run("download", url, "0" * 64, "0640", str(place))
    assert done.returncode == 1
    assert done.stderr == f"rig-image: checksum mismatch: {url} does not match the lock\n"


def test_verify_reports_every_difference_and_fails(run: Run, tmp_path: Path) -> None:
    checks = tmp_path / "checks.sh"
    checks.write_text(
        "check one 1 echo 1\ncheck two '' false\ncheck three '3\n4' printf '3\\n5'\n", "utf-8"
    )
    done = run("verify", str(checks))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "two: locked , found the check failed",
        "three: locked 3 4, found 3 5",
        "rig-image: the image differs from the lock",
    ]
    checks.write_text("check one 1 echo 1\ncheck two '' true\n", encoding="utf-8")
    assert run("verify", str(checks)).returncode == 0


def test_platform_of_other_release_is_refused(run: Run) -> None:
    done = run("platform", "debian", "0.1", "x86_64")
    assert done.returncode == 1
    assert "this rig is for debian 0.1, but the base image is" in done.stderr


def archive_source(folder: Path, configure: str) -> tuple[str, str]:
    """Write a source archive with a configure script; return its address and its checksum."""
    source = folder / "tool-1.0"
    source.mkdir()
    (source / "configure").write_text(f"#!/bin/sh\n{configure}\n", encoding="utf-8")
    (source / "configure").chmod(0o755)
    subprocess.run(["tar", "-C", folder, "-czf", folder / "tool.tgz", "tool-1.0"], check=True)
    sha256 = hashlib.sha256((folder / "tool.tgz").read_bytes()).hexdigest()
    return f"file://{folder}/tool.tgz", sha256


def test_build_source_renames_whole_words_of_one_file(run: Run, tmp_path: Path) -> None:
    archive = archive_source(tmp_path, "echo name other_name name; exit 1")
    done = run("build-source", r"--rename=configure:s/\bname\b/new/g", *archive, str(tmp_path), "")
    assert done.returncode == 1
    assert done.stderr.startswith("new other_name new\n")


def test_build_source_failure_prints_end_of_its_log(run: Run, tmp_path: Path) -> None:
    archive = archive_source(tmp_path, "echo no compiler; exit 1")
    done = run("build-source", *archive, str(tmp_path / "prefix"), "-O1", "--prefix=x")
    assert done.returncode == 1
    assert done.stderr.startswith("no compiler\nrig-image: failed: ./configure --quiet --prefix=x")


def test_unknown_command_is_refused(run: Run) -> None:
    done = run("install")
    assert done.returncode == 1
    assert "unknown command: install" in done.stderr


def test_program_passes_shellcheck() -> None:
    tool = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([tool, PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
