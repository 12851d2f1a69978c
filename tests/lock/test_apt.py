"""Packages of the system, locked from a signed archive of the test's own."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rigspec.cli.main import app
from rigspec.lock import system_packages
from rigspec.lock.apt import sources, transfer
from rigspec.lock.apt.distribution import Distribution, Suite
from rigspec.lock.document import read_lock
from rigspec.lock.model import LockedMachine, LockedPackage
from tests.conftest import ROOT
from tests.lock.signed_archive import BASE, RELEASED, Keys, SignedArchive, answer, package

SUITES = ("bookworm", "bookworm-updates", "bookworm-security")
SPEC = """\
rig = 1
name = "box"

[machine.box]
os = "debian 12"

[system]
packages = {packages}

[mirrors]
apt = "{mirror}"
"""


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    subprocess.run([ROOT / "scripts" / "install-test-tools"], check=True)
    made = Keys.made(tmp_path_factory.mktemp("k"))
    yield made
    made.stop()


@pytest.fixture
def archive(keys: Keys) -> Iterator[SignedArchive]:
    """An archive with its three suites, `tool` and what it needs."""
    made = SignedArchive(keys)
    made.publish("bookworm", *BASE, package("tool", Depends="lib"), package("lib"))
    made.publish("bookworm-updates")
    made.publish("bookworm-security", archive="debian-security")
    server = made.serve()
    yield made
    server.shutdown()
    server.server_close()


@dataclass
class Box:
    """A rig on that archive, and rigspec run on it."""

    folder: Path
    archive: SignedArchive

    def asks(self, *packages: str, mirror: str | None = None) -> Box:
        text = SPEC.format(
            packages=list(packages), mirror=mirror or f"{self.archive.address}/{{distribution}}"
        )
        (self.folder / "rig.toml").write_text(text.replace("'", '"'), encoding="utf-8")
        return self

    def run(self, command: str, *options: str) -> Result:
        place = ("--lock" if command == "compile" else "-o", str(self.folder / "lock"))
        return CliRunner().invoke(app, [command, str(self.folder / "rig.toml"), *place, *options])

    def lock(self, *options: str) -> str:
        done = self.run("lock", *options)
        assert done.exit_code == 0, done.output
        return done.output

    def compile(self) -> str:
        out = str(self.folder / "out")
        done = self.run("compile", "--target", "shell", "-o", out, "--locked")
        assert done.exit_code == 0, done.output
        return (self.folder / "out" / "shell" / "install.sh").read_text(encoding="utf-8")

    @property
    def machine(self) -> LockedMachine:
        (machine,) = read_lock(self.folder / "lock")[0].machines
        return machine

    @property
    def versions(self) -> dict[str, str | None]:
        return {found.name: found.version for found in self.machine.packages}

    @property
    def bytes(self) -> bytes:
        return (self.folder / "lock" / "rig.lock").read_bytes()


@pytest.fixture
def box(archive: SignedArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    distribution = Distribution(
        name="debian",
        release="12",
        origin="Test",
        suites=tuple(
            Suite("debian-security" if "security" in suite else "debian", suite) for suite in SUITES
        ),
        components=("main", "contrib"),
        architecture="amd64",
        keyring=str(archive.keys.keyring),
        keyring_package="test-keyring",
        keys=frozenset({archive.keys.own}),
        codenames=frozenset({"bookworm"}),
        snapshots_since="2005-06",
        promise="updates until 2028-06-30",
        driver_packages=("nvidia-driver",),
        cuda_packages=("nvidia-cuda-toolkit",),
    )
    monkeypatch.setattr(system_packages, "distribution_of", lambda *_: distribution)
    return Box(tmp_path, archive).asks("tool")


def test_versions_and_checksums_come_from_the_signed_index(box: Box) -> None:
    told = box.lock()
    assert "packages of the system" not in told
    tool, lib = box.machine.packages
    assert tool == LockedPackage(
        name="tool",
        part="system",
        version="1.0",
        sha256=hashlib.sha256(b"tool 1.0").hexdigest(),
        size=8,
        path="pool/tool_1.0_amd64.deb",
        archive="debian/bookworm",
    )
    assert (lib.name, lib.part, lib.needed_by) == ("lib", "dependency", ("system",))
    found = {each.name: each for each in box.machine.archives}
    assert sorted(found) == [
        "debian/bookworm",
        "debian/bookworm-security",
        "debian/bookworm-updates",
    ]
    release = found["debian/bookworm"]
    assert release.key_fingerprints == (box.archive.keys.own,)
    assert release.released == "2026-11-20T08:30:00Z"
    assert release.snapshot == "20261121T000000Z"
    assert release.promise == "updates until 2028-06-30"
    assert release.components == ("main",)
    assert box.archive.address.encode() not in box.bytes
    assert box.run("lock", "--check").exit_code == 0
    assert "nothing moved" in box.lock()


def test_what_comes_along_is_what_apt_would_choose(box: Box) -> None:
    box.archive.publish(
        "bookworm",
        *BASE,
        package("tool", Pre_Depends="early", Depends="gone | chosen, mail-agent, libc6 (>= 2.36)"),
        package("early", Recommends="never", Suggests="never"),
        package("chosen", Depends="apt"),
        package("never"),
        package("another-agent", Provides="mail-agent", Priority="extra"),
        package("usual-agent", Provides="mail-agent", Priority="important"),
    )
    security = package("early", "1.0+sec1")
    box.archive.publish("bookworm-security", security, archive="debian-security")
    box.lock()
    # Nothing of the base, no recommendations, the security archive's newer version.
    assert box.versions == {
        "tool": "1.0",
        "chosen": "1.0",
        "early": "1.0+sec1",
        "usual-agent": "1.0",
    }
    early = next(found for found in box.machine.packages if found.name == "early")
    assert early.archive == "debian/bookworm-security"


def test_the_base_is_locked_where_something_needs_it_newer(box: Box) -> None:
    box.archive.publish("bookworm", *BASE, package("tool", Depends="libc6 (>= 2.37)"))
    box.archive.publish("bookworm-updates", package("libc6", "2.37"))
    box.lock()
    assert box.versions == {"tool": "1.0", "libc6": "2.37"}


def test_a_package_in_the_way_is_not_chosen(box: Box) -> None:
    box.archive.publish(
        "bookworm",
        *BASE,
        package("tool", Depends="one | two"),
        package("lib", Conflicts="one"),
        package("one"),
        package("two"),
    )
    box.asks("tool", "lib").lock()
    assert sorted(box.versions) == ["lib", "tool", "two"]


@pytest.mark.parametrize(
    ("packages", "told"),
    [
        (("mail-agent",), "it is only provided, by agent"),
        (("toool",), "there is no package `toool`"),
        (("broken",), "broken 1.0 needs gone"),
        (("tool", "enemy"), "cannot stand beside"),
    ],
)
def test_what_the_distribution_does_not_have(
    packages: tuple[str, ...], told: str, box: Box
) -> None:
    box.archive.publish(
        "bookworm",
        *BASE,
        package("tool"),
        package("agent", Provides="mail-agent"),
        package("broken", Depends="gone"),
        package("enemy", Conflicts="tool"),
    )
    done = box.asks(*packages).run("lock")
    assert done.exit_code == 1
    assert "error[RS530]" in done.output
    assert told in done.output
    assert not (box.folder / "lock").exists()


def test_another_component_is_read_where_it_must_be(box: Box) -> None:
    box.archive.publish("bookworm-updates", package("blob"), component="contrib")
    box.asks("tool", "blob").lock()
    assert box.versions == {"tool": "1.0", "lib": "1.0", "blob": "1.0"}


# What fails, how, and the word for it.
INDEX, LIST = "bookworm/InRelease", "Packages.gz"


def halves(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body[: len(body) // 2], len(body))


def shortens(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body[: len(body) // 2])


def lies(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body[:-1] + bytes([body[-1] ^ 1]))


def lengthens(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body + b"\n" * 8)


def breaks(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_error(500)


def stalls(request: BaseHTTPRequestHandler, body: bytes) -> None:
    time.sleep(3)


def trickles(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    for byte in body:
        request.wfile.write(bytes([byte]))
        time.sleep(0.05)


def alters(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body.replace(b"Codename: bookworm", b"Codename: bookwarm"))


def unsigns(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body.split(b"\n\n", 1)[1].split(b"-----BEGIN PGP SIGNATURE")[0])


def doubles(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body.replace(b"Origin: Test", b"Origin: Nobody") + body)


@pytest.mark.parametrize(
    ("end", "fault", "told"),
    [
        (INDEX, breaks, "HTTP status 500"),
        (INDEX, stalls, "did not answer in time"),
        (INDEX, trickles, "too slow"),
        (INDEX, halves, "bookworm"),
        (INDEX, shortens, "it is not signed, or not whole"),
        (INDEX, unsigns, "it is not signed, or not whole"),
        (INDEX, doubles, "it is not signed, or not whole"),
        (INDEX, alters, "it was changed after it was signed"),
        (LIST, breaks, "HTTP status 500"),
        (LIST, halves, "the list of packages"),
        (LIST, shortens, "bytes came"),
        (LIST, lengthens, "larger than"),
        (LIST, lies, "its sha256 is not the one that was signed"),
    ],
)
def test_an_archive_that_fails_leaves_the_old_lock(
    end: str,
    fault: Callable[[BaseHTTPRequestHandler, bytes], None],
    told: str,
    box: Box,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box.lock()
    before = box.bytes
    monkeypatch.setattr(transfer, "_TIMEOUT_S", 1.0)
    monkeypatch.setattr(transfer, "_PATIENCE_S", 1.0)
    box.archive.faults[end] = fault
    done = box.run("lock", "--upgrade")
    assert done.exit_code == 3
    assert "error[RS504]" in done.output
    assert told in done.output
    assert "127.0.0.1" not in done.output
    assert box.bytes == before


def test_an_archive_that_is_down_leaves_the_old_lock(box: Box) -> None:
    box.lock()
    before = box.bytes
    done = box.asks("tool", mirror="http://127.0.0.1:9/{distribution}").run("lock")
    assert done.exit_code == 3
    assert "error[RS504]" in done.output
    assert box.bytes == before


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("other", "which is none of the keys known for it"),
        ("stranger", "a key that the distribution's keyring does not have"),
    ],
)
def test_a_wrong_key_is_not_trusted(key: str, told: str, box: Box) -> None:
    box.lock()
    before = box.bytes
    signer = getattr(box.archive.keys, key)
    box.archive.publish("bookworm-updates", package("tool", "9.9"), key=signer)
    done = box.run("lock", "--upgrade")
    assert done.exit_code == 3
    assert "error[RS504]" in done.output
    assert "bookworm-updates cannot be trusted" in done.output
    assert told in " ".join(done.output.split())
    assert box.bytes == before


def test_an_index_past_its_date_is_not_trusted(box: Box) -> None:
    box.archive.publish("bookworm-updates", valid_until=RELEASED - dt.timedelta(days=900))
    done = box.run("lock")
    assert done.exit_code == 3
    assert "it was valid until 2024-06-03T08:30:00Z" in done.output


def test_another_suite_under_the_name_is_not_trusted(box: Box) -> None:
    stale = box.archive.files["/debian/dists/bookworm/InRelease"]
    box.archive.files["/debian/dists/bookworm-updates/InRelease"] = stale
    done = box.run("lock")
    assert done.exit_code == 3
    assert "it is that of bookworm" in done.output


def test_a_suite_that_was_locked_and_is_gone_is_no_reason_to_do_without(box: Box) -> None:
    box.lock()
    del box.archive.files["/debian-security/dists/bookworm-security/InRelease"]
    done = box.run("lock")
    assert done.exit_code == 3
    assert "bookworm-security" in done.output
    assert "not pinned: updates from bookworm-security" in box.lock("--upgrade")


def test_what_is_locked_stays_until_it_is_told_to_move(box: Box) -> None:
    box.lock()
    newer = (package("tool", "2.0", Depends="lib"), package("lib", "2.0"))
    box.archive.publish("bookworm-updates", *newer)
    assert "nothing moved" in box.lock()
    assert "~ package lib 1.0 → 2.0\n" in box.lock("--update", "lib")
    assert box.versions == {"tool": "1.0", "lib": "2.0"}
    assert "~ package tool 1.0 → 2.0\n" in box.lock("--upgrade")


def test_what_the_archive_no_longer_has_moves_and_is_told(box: Box) -> None:
    box.lock()
    box.archive.publish("bookworm", *BASE, package("tool", Depends="lib"), package("lib", "1.1"))
    told = box.lock()
    assert "~ package lib 1.0 → 1.1\n" in told
    assert "tool" not in told


def test_what_no_longer_goes_with_the_rest_is_let_go(box: Box) -> None:
    box.lock()
    box.archive.publish(
        "bookworm-updates", package("new", Depends="lib (>= 2)"), package("lib", "2")
    )
    box.asks("tool", "new").lock()
    assert box.versions == {"new": "1.0", "tool": "1.0", "lib": "2"}


def test_a_lock_without_a_package_of_the_spec_is_stale(box: Box) -> None:
    box.lock()
    done = box.asks("tool", "lib").run("lock", "--check")
    assert done.exit_code == 1
    assert "the package lib is only in the spec" in done.output


def test_without_an_archive_nothing_is_pinned_and_nothing_is_lost(box: Box) -> None:
    address = box.archive.address
    box.lock()
    mirrored = box.bytes
    text = (box.folder / "rig.toml").read_text(encoding="utf-8")
    (box.folder / "rig.toml").write_text(text.partition("[mirrors]")[0], encoding="utf-8")
    assert "nothing moved" in box.lock()
    assert box.versions == {"tool": "1.0", "lib": "1.0"}
    assert box.run("lock", "--update", "lib").exit_code == 3
    told = box.lock("--upgrade")
    assert "warning[RS505]: not pinned: packages of the system: no archive of debian 12" in told
    assert box.versions == {"tool": None}
    assert address.encode() not in mirrored


def test_the_environment_and_the_host_name_archives(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (box.folder / "rig.toml").read_text(encoding="utf-8")
    (box.folder / "rig.toml").write_text(text.partition("[mirrors]")[0], encoding="utf-8")
    roots = [f"{box.archive.address}/{name}" for name in ("debian", "debian-security")]
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", " ".join(roots))
    box.lock()
    assert len(box.machine.archives) == 3

    monkeypatch.delenv("RIGSPEC_APT_DEBIAN")
    apt = box.folder / "apt"
    (apt / "sources.list.d").mkdir(parents=True)
    (apt / "sources.list").write_text(
        "# deb http://127.0.0.1:9/debian bookworm main\n"
        f"deb [trusted=yes] {roots[0]} bookworm main\n"
    )
    (apt / "sources.list.d" / "security.sources").write_text(
        f"Types: deb\n# a comment\nURIs: {roots[1]}\nSuites: bookworm-security\nComponents: main\n"
        "\nTypes: deb\nEnabled: no\nURIs: http://127.0.0.1:9\nSuites: bookworm\nComponents: main\n"
    )
    monkeypatch.setattr(sources, "_APT", apt)
    box.lock("--upgrade")
    assert len(box.machine.archives) == 3


def test_a_snapshot_is_one_that_was_seen(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    address = box.archive.address
    monkeypatch.setenv("RIGSPEC_APT_DEBIAN", f"{address}/debian {address}/debian-security")
    box.asks("tool", mirror=f"{address}/at/{{snapshot}}/{{distribution}}")
    assert "not pinned: the snapshot of the archive" in box.lock()
    assert "deb [signed-by" not in box.compile()

    now = dict(box.archive.files)
    box.archive.files |= {f"/at/20261121T000000Z{path}": data for path, data in now.items()}
    box.lock()
    assert {each.snapshot for each in box.machine.archives} == {"20261121T000000Z"}
    line = f"{address}/at/20261121T000000Z/debian-security bookworm-security main"
    assert (
        f"deb [signed-by={box.archive.keys.keyring} check-valid-until=no] {line}" in box.compile()
    )

    # From now on the snapshot is read, until something is to move.
    box.archive.publish("bookworm-updates", package("lib", "2.0"))
    assert "nothing moved" in box.lock()
    assert "~ package lib 1.0 → 2.0" in box.lock("--update", "lib")


def test_the_installer_takes_the_closure_and_its_source(box: Box) -> None:
    box.lock()
    text = box.compile()
    assert "      tool=1.0 \\\n      lib=1.0 >/dev/null" in text
    assert "packages.sh archive /opt/rig/lock/packages.system.txt" in text
    source = (
        f"deb [signed-by={box.archive.keys.keyring}] {box.archive.address}/debian bookworm main"
    )
    assert source in text
    assert "apt-mark hold" not in text


def test_only_what_is_built_with_the_driver_is_held(box: Box) -> None:
    """A hold on a library of the system would keep its security updates away."""
    driver = package("nvidia-driver", "535-1", Depends="libcuda1 (= 535-1), lib")
    toolkit = package("nvidia-cuda-toolkit", "11.8.0-3", Depends="lib")
    box.archive.publish(
        "bookworm",
        *BASE,
        *(package("tool"), package("lib"), driver, package("libcuda1", "535-1"), toolkit),
        *(package(name) for name in ("bzip2", "ca-certificates", "curl", "gnupg")),
    )
    text = (box.folder / "rig.toml").read_text(encoding="utf-8")
    gpu = 'os = "debian 12"\ngpus = [{ model = "GTX 1080 Ti" }]\n[cuda]\nprovider = "debian"\n'
    text = text.replace('os = "debian 12"\n', gpu)
    (box.folder / "rig.toml").write_text(text, encoding="utf-8")
    box.lock()
    held = [line.strip() for line in box.compile().splitlines() if "apt-mark hold" in line]
    assert [line.split(" >")[0] for line in held] == [
        "apt-mark hold nvidia-driver libcuda1",
        "apt-mark hold nvidia-cuda-toolkit",
    ]
