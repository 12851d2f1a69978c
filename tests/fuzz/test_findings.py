"""The smallest input of each error that a fuzzer found."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.apt.packages_index import AptIndex, PackageList, Relation
from rigspec.lock.errors import LockError
from rigspec.lock.lockfile import CorruptLock, read_lock
from tests.fuzz.targets import check_file, check_spec_text


@pytest.mark.parametrize(
    "file",
    [
        ("requirements.txt", "-r a\0b\n"),
        ("requirements.txt", "six\u2028numpy\x85torch\n"),
        ("requirements.txt", "six\rnumpy\r"),
        ("Dockerfile", "\n" * 200 + "x"),
        ("requirements.txt", "\n" * 200 + "!"),
    ],
)
def test_file_with_odd_characters_gets_a_report(file: tuple[str, str]) -> None:
    assert check_file(file)


@pytest.mark.parametrize(
    "entry",
    [
        "Package: x\nVersion: 1\nFilename: y\nSHA256: 0\n",
        "Package: x\nVersion: 1\nFilename: y\nSHA256: 0\nSize: many\n",
        "Package: x\nVersion: 1\n\x856-9\nFilename: y\nSHA256: 0\nSize: 1\n",
        "Package: x\nVersion: !\nFilename: y\nSHA256: 0\nSize: 1\n",
    ],
)
def test_package_list_with_invalid_entry_is_not_trusted(entry: str) -> None:
    with pytest.raises(LockError) as refused:
        list(PackageList("main", entry.encode()).versions_of("x"))
    assert refused.value.status == 3
    assert "invalid entry of `x`" in refused.value.diagnostic.message


def test_package_list_with_spaces_in_a_name_provides_nothing() -> None:
    entry = "Package: x y\nVersion: 1\nProvides: z\nFilename: y\nSHA256: 0\nSize: 1\n"
    assert AptIndex([PackageList("main", entry.encode())]).providing(Relation("z")) == ()


def test_spec_with_long_version_is_refused() -> None:
    machine = f'[machine.box]\nos = "ubuntu 22.04"\ndriver = "{"1" * 5000}"\n'
    assert "at most 1000 characters" in check_spec_text(f'rig = 1\nname = "box"\n{machine}')


def test_spec_with_own_version_of_docker_gets_a_note_that_no_rule_checks_it() -> None:
    engine = 'docker = { version = "0.1", from = "none" }'
    text = f'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 22.04"\n{engine}\n'
    assert "note[RS252]: not checked, because the matrix has no rules: Docker 0.1" in (
        check_spec_text(text)
    )


def test_lock_with_windows_line_ends_is_refused_with_their_name(tmp_path: Path) -> None:
    text = Path(__file__).resolve().parents[2].joinpath("lockfiles/legacy-cpu/rig.lock").read_text()
    tmp_path.joinpath("rig.lock").write_bytes(text.replace("\n", "\r\n").encode())
    with pytest.raises(CorruptLock, match="CRLF"):
        read_lock(tmp_path)
