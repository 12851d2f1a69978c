"""`rigspec fetch`: everything a lock names, checked, in one folder or archive."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rigspec.bundle.conda import fetch_conda_part
from rigspec.lock.lockfile import read_lock
from rigspec.lock.model import LockedMachine
from tests.containers import Buildah
from tests.lock.conda_channel import Channel, rig
from tests.lock.http_server import Serve, send
from tests.lock.tiny_rig import Rigspec, written

FILES = {"one.bin": b"one " * 5000, "two.bin": b"two " * 5000}


def send_file(request: BaseHTTPRequestHandler) -> None:
    send(request, FILES[request.path.rpartition("/")[2]])


class Rig:
    """A rig with two downloads, locked; they stand on a server that may be exchanged."""

    def __init__(self, folder: Path, rigspec: Rigspec) -> None:
        self.folder, self.rigspec = folder, rigspec
        self.bundle = folder / "bundle"
        self.serve_from("127.0.0.1:9")
        done = rigspec("lock", folder / "rig.toml", "-o", folder / "lock")
        assert done.returncode == 0, done.stderr

    def serve_from(self, host: str) -> None:
        tables = [
            f'[download.{name[:3]}]\nurl = "https://127.0.0.1:9/{name}"\n'
            f'to = "/opt/{name}"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n'
            for name, data in FILES.items()
        ]
        mirror = f'[mirrors]\nfiles = "http://{host}/files"\n'
        written(self.folder, None, more="".join(tables) + mirror)

    def fetch(self, *options: object) -> subprocess.CompletedProcess[str]:
        requested = ("--lock", self.folder / "lock", "--allow-missing", *options)
        if "-o" not in options:
            requested = (*requested, "-o", self.bundle)
        return self.rigspec("fetch", self.folder / "rig.toml", *requested)

    @property
    def files(self) -> set[str]:
        found = (path for path in self.bundle.rglob("*") if path.is_file())
        return {path.relative_to(self.bundle).as_posix() for path in found}


@pytest.fixture
def two(tmp_path: Path, rigspec: Rigspec) -> Rig:
    return Rig(tmp_path, rigspec)


def test_fetch_writes_files_checksums_and_mirrors(two: Rig, serve: Serve) -> None:
    two.serve_from(serve(send_file))
    done = two.fetch()
    assert done.returncode == 0, done.stderr
    assert done.stdout == f'[mirrors]\nfiles = "file://{two.bundle}/files"\n'
    assert two.files == {"MANIFEST.sha256", "files/one.bin", "files/two.bin"}
    check = ["sha256sum", "--check", "--strict", "MANIFEST.sha256"]
    listed = subprocess.run(check, cwd=two.bundle, capture_output=True, text=True, check=True)
    assert listed.stdout.split() == ["files/one.bin:", "OK", "files/two.bin:", "OK"]


def test_fetch_again_downloads_only_altered_files(two: Rig, serve: Serve) -> None:
    requested = []

    def count_requests(request: BaseHTTPRequestHandler) -> None:
        requested.append(request.path)
        send_file(request)

    two.serve_from(serve(count_requests))
    two.fetch()
    (two.bundle / "files" / "two.bin").write_bytes(b"altered")
    requested.clear()
    done = two.fetch()
    assert requested == ["/files/two.bin"]
    assert "2 files in" in done.stderr
    assert (two.bundle / "files" / "two.bin").read_bytes() == FILES["two.bin"]


def send_half(request: BaseHTTPRequestHandler) -> None:
    send(request, FILES["two.bin"][:4000], Content_Length=str(len(FILES["two.bin"])))
    request.close_connection = True


def send_other_bytes(request: BaseHTTPRequestHandler) -> None:
    send(request, b"something else")


def send_not_found(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 404)


def close_connection(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


@pytest.mark.parametrize("trouble", [send_half, send_other_bytes, send_not_found, close_connection])
def test_fetch_server_failure_keeps_completed_files(
    trouble: object, two: Rig, serve: Serve
) -> None:
    """The second file fails; the next run asks for that one only, and finishes."""

    def send_first_file(request: BaseHTTPRequestHandler) -> None:
        if request.path.endswith("one.bin"):
            send_file(request)
        else:
            assert callable(trouble)
            trouble(request)

    two.serve_from(serve(send_first_file))
    done = two.fetch()
    assert done.returncode == 3, done.stderr
    assert "error[RS504]: two.bin could not be fetched" in done.stderr
    assert done.stdout == ""
    assert "MANIFEST.sha256" not in two.files
    assert not {name for name in two.files if "two" in name}

    two.serve_from(serve(send_file))
    assert two.fetch().returncode == 0
    assert two.files == {"MANIFEST.sha256", "files/one.bin", "files/two.bin"}


def test_fetch_foreign_file_in_folder_is_refused(two: Rig) -> None:
    two.bundle.mkdir()
    (two.bundle / "thesis.tex").write_text("mine", encoding="utf-8")
    done = two.fetch()
    assert done.returncode == 2
    assert "contains thesis.tex, which rigspec did not write" in done.stderr
    assert two.files == {"thesis.tex"}


def test_fetch_manifest_with_outside_path_removes_nothing(two: Rig, serve: Serve) -> None:
    """A bundle may come from a stranger: what its manifest lists is no leave to remove it."""
    outside = two.folder / "thesis.tex"
    outside.write_text("mine", encoding="utf-8")
    two.bundle.mkdir()
    (two.bundle / "MANIFEST.sha256").write_text(f"{'0' * 64}  ../thesis.tex\n", encoding="utf-8")
    two.serve_from(serve(send_file))
    assert two.fetch().returncode == 0
    assert outside.read_text(encoding="utf-8") == "mine"
    assert two.files == {"MANIFEST.sha256", "files/one.bin", "files/two.bin"}


def test_fetch_symlink_in_folder_is_refused(two: Rig, serve: Serve) -> None:
    elsewhere = two.folder / "elsewhere"
    elsewhere.mkdir()
    two.bundle.mkdir()
    (two.bundle / "files").symlink_to(elsewhere)
    two.serve_from(serve(send_file))
    done = two.fetch()
    assert done.returncode == 2
    assert "contains files, which is a link" in done.stderr
    assert list(elsewhere.iterdir()) == []


def test_fetch_after_kill_removes_partial_files(two: Rig, serve: Serve) -> None:
    two.serve_from(serve(send_file))
    two.fetch()
    for name in (".one.bin.part", "two.bin.part"):
        (two.bundle / "files" / name).write_bytes(b"half")
    assert two.fetch().returncode == 0
    assert two.files == {"MANIFEST.sha256", "files/one.bin", "files/two.bin"}
    (two.bundle / "files" / ".thesis.tex.part").write_bytes(b"mine")
    assert two.fetch().returncode == 2
    assert (two.bundle / "files" / ".thesis.tex.part").exists()


def test_fetch_archive_is_reproducible(two: Rig, serve: Serve) -> None:
    two.serve_from(serve(send_file))
    texts = []
    for name in ("first", "second"):
        archive = two.folder / name / "rig.tar"
        archive.parent.mkdir()
        done = two.fetch("-o", archive)
        assert done.returncode == 0, done.stderr
        assert done.stdout == '[mirrors]\nfiles = "file:///srv/rig/files"\n'
        assert [path.name for path in archive.parent.iterdir()] == ["rig.tar"]
        texts.append(archive.read_bytes())
    assert texts[0] == texts[1]
    with tarfile.open(two.folder / "first" / "rig.tar") as tar:
        assert tar.getnames()[0] == "rig/MANIFEST.sha256"


def test_fetch_at_option_sets_mirror_address(two: Rig, serve: Serve) -> None:
    two.serve_from(serve(send_file))
    done = two.fetch("--at", "https://depot.example/rigs/")
    assert done.stdout == '[mirrors]\nfiles = "https://depot.example/rigs/files"\n'


def test_fetch_missing_items_fail_before_download(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = "specs/submarine.toml"
    done = rigspec("fetch", spec, "-o", tmp_path / "bundle")
    assert done.returncode == 1
    assert "error[RS531]: not in the bundle: the repository nvidia-cuda" in done.stderr
    assert "--allow-missing" in done.stderr
    assert not (tmp_path / "bundle").exists()


def test_fetch_unpinned_packages_are_missing(tmp_path: Path, rigspec: Rigspec) -> None:
    """No archive of Ubuntu is known to the tests."""
    spec, lock = tmp_path / "rig.toml", tmp_path / "lock"
    spec.write_text(
        'rig = 1\nname = "lab"\n[machine.box]\nos = "ubuntu 16.04"\n'
        'gpus = [{ model = "GTX 1080" }]\n[cuda]\ntoolkit = "9.1"\nprovider = "runfile"\n',
        encoding="utf-8",
    )
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    done = rigspec("fetch", spec, "--lock", lock, "-o", tmp_path / "bundle")
    assert done.returncode == 1
    assert "error[RS531]: not in the bundle: packages of ubuntu 16.04" in done.stderr


def locked_channel(
    tmp_path: Path, rigspec: Rigspec, named: str | None
) -> tuple[LockedMachine, ...]:
    """The lock of one package and what it needs, from a channel by its name or its address."""
    channel = Channel(tmp_path / "channels" / "lab")
    for package, *needs in (("python",), ("pip", "python"), ("tool", "python")):
        channel.add(package, "3.6.15", needs)
    channel.write()
    spec, lock = tmp_path / "rig.toml", tmp_path / "lock"
    mirror = (tmp_path / "channels").as_uri()
    text = rig(named or channel.url, packages='tool = "*"')
    spec.write_text(f'{text}\n[mirrors]\nconda = "{mirror}"\n', encoding="utf-8")
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    return read_lock(lock)[0].machines


def test_conda_part_uses_paths_of_a_mirror(tmp_path: Path, rigspec: Rigspec) -> None:
    part = fetch_conda_part(
        locked_channel(tmp_path, rigspec, "lab"), (tmp_path / "channels").as_uri()
    )
    assert (part.missing, part.mirrors) == ((), (("conda", "conda"),))
    names = [f"conda/lab/linux-64/{name}-3.6.15-0.tar.bz2" for name in ("pip", "python", "tool")]
    assert sorted(item.path for item in part.files) == names
    for item in part.files:
        there = tmp_path / item.path
        there.parent.mkdir(parents=True, exist_ok=True)
        item.fetch(there)
        assert hashlib.sha256(there.read_bytes()).hexdigest() == item.sha256


def test_conda_part_channel_by_address_is_missing(tmp_path: Path, rigspec: Rigspec) -> None:
    part = fetch_conda_part(locked_channel(tmp_path, rigspec, None), None)
    assert part.files == ()
    (absent,) = part.missing
    assert absent.what == "the channel lab"


def test_fetch_base_image_is_an_oci_layout(
    host: str, buildah: Buildah, tmp_path: Path, rigspec: Rigspec
) -> None:
    buildah.pushed("localhost/both", f"{host}/team/it:1", index=True)
    spec = written(tmp_path, f"{host}/team/it:1")
    requested = (spec, "-o", tmp_path / "lock")
    assert rigspec("lock", *requested).returncode == 0
    done = rigspec("fetch", spec, "--lock", tmp_path / "lock", "-o", tmp_path / "bundle")
    assert done.returncode == 0, done.stderr
    layout = tmp_path / "bundle" / "images" / "team-it-1"
    # A store that has none of the image's bytes.
    elsewhere = Buildah(tmp_path / "store")
    container = elsewhere("from", f"oci:{layout}:1")
    content = (Path(elsewhere("mount", container)) / "what").read_text(encoding="utf-8")
    elsewhere("rm", container)
    assert content == "one"
