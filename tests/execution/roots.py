"""Debian systems in folders, to run what rigspec writes as root without harm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tests.execution.shell_trace import collect_lines, open_trace, trace_settings

HOST_CERTIFICATES = Path(
    os.environ.get("PIP_CERT")
    or os.environ.get("SSL_CERT_FILE")
    or "/etc/ssl/certs/ca-certificates.crt"
)
HOST_PIP_CONFIGURATION = Path("/etc/pip.conf")

_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_UBUNTU_KEYS = "/usr/share/keyrings/ubuntu-archive-keyring.gpg"
_DEBIAN = ("bullseye", "bookworm", "trixie")
_INSTALL = ("apt-get", "install", "-qq", "--yes", "--no-install-recommends")

# Where the machine's certificates stand in a root: a package that brings its own replaces the
# usual file.
CERTIFICATES = "/etc/test-certificates.crt"
PIP_CONFIGURATION = "/etc/pip.conf"


@dataclass(frozen=True)
class SystemRoot:
    """A Debian system in a folder. Commands run in mount and process namespaces of their own, and
    where it has no ``network`` in one of these, too.
    """

    path: Path
    network: bool = True

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]
        done = subprocess.run(
            [
                *("unshare", *(() if self.network else ("--net",))),
                *("--mount", "--pid", "--fork", f"--mount-proc={self.path}/proc"),
                *("chroot", str(self.path), "env", "-i", *environment, *trace_settings(), *command),
            ],
            capture_output=True,
            text=True,
            check=False,
            pass_fds=open_trace(),
        )
        collect_lines((self.path,))
        if check:
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def listing(self, *ignored: str) -> dict[str, tuple[object, ...]]:
        """Every file with its mode, size and time, less what stands under the ignored paths."""
        skipped = tuple(str(self.path / part) for part in ("proc", "dev", "run", "tmp", *ignored))
        found = {}
        for path in sorted(self.path.rglob("*")):
            if not str(path).startswith(skipped):
                status = path.lstat()
                kept = (status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns)
                found[str(path.relative_to(self.path))] = kept
        return found


def make_root(suite: str, cache: Path, *options: str, updated: Sequence[str] = ()) -> Path:
    """A minimal system of that suite, made once and kept. Whoever else wants it meanwhile waits.

    The packages ``updated`` come from the suite with its updates.
    """
    root = cache / suite
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f".{suite}.lock"):
        if not (root / "etc" / "os-release").exists():
            _debootstrap(root, suite, options, updated)
        if suite in _DEBIAN:
            add_updates(root, suite)
    return root


def _debootstrap(root: Path, suite: str, options: Sequence[str], updated: Sequence[str]) -> None:
    shutil.rmtree(root, ignore_errors=True)
    staged = root.with_name(f".{suite}.partial")
    shutil.rmtree(staged, ignore_errors=True)
    # Newer versions of debootstrap look for releases without support in another archive than the
    # one that has them, and expect other keys.
    if suite in _DEBIAN:
        source = archive()
    else:
        source, options = default_mirror(suite), (*options, f"--keyring={_UBUNTU_KEYS}")
    command = ["debootstrap", "--variant=minbase", *options, suite, str(staged), source]
    command.append(str(_find_script(suite)))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    configure(staged)
    if updated:
        _install_updated(SystemRoot(staged), suite, updated)
    staged.rename(root)


def _install_updated(root: SystemRoot, suite: str, packages: Sequence[str]) -> None:
    sources = root.path / "etc" / "apt" / "sources.list"
    first = sources.read_text(encoding="utf-8").splitlines()[0]
    sources.write_text(f"{first}\n{first.replace(suite, f'{suite}-updates')}\n", encoding="utf-8")
    root.run("apt-get", "update", "-qq")
    root.run("env", "DEBIAN_FRONTEND=noninteractive", *_INSTALL, *packages)


def add_updates(root: Path, suite: str) -> None:
    """What an installed Debian has and debootstrap leaves out: updates and security."""
    text = "".join(f"{line}\n" for line in with_updates(suite))
    sources = root / "etc" / "apt" / "sources.list"
    # Others may be copying the root: it is written to once.
    if sources.read_text(encoding="utf-8") != text:
        sources.write_text(text, encoding="utf-8")


def with_updates(suite: str) -> list[str]:
    """The lines of apt's sources for a suite of Debian, its updates and its security updates."""
    main = archive().rstrip("/")
    lines = [f"deb {main} {name} main" for name in (suite, f"{suite}-updates")]
    return [*lines, f"deb {main}-security {suite}-security main"]


def skip_syncs(root: Path) -> None:
    """Let dpkg not wait for the disk after each file: no test cuts the power."""
    settings = root / "etc/dpkg/dpkg.cfg.d/tests"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("force-unsafe-io\n", encoding="utf-8")


def configure(root: Path) -> None:
    """Give a root the machine's own name service, certificates and package index."""
    shutil.copyfile("/etc/resolv.conf", root / "etc" / "resolv.conf")
    if HOST_CERTIFICATES.exists():
        shutil.copyfile(HOST_CERTIFICATES, root / CERTIFICATES.lstrip("/"))
    (root / PIP_CONFIGURATION.lstrip("/")).write_text(pip_configuration(), encoding="utf-8")


def trust_host_certificates(root: SystemRoot) -> None:
    """Add this host's own certificates to the system's, for programs other than pip."""
    if HOST_CERTIFICATES.exists():
        public = _CERTIFICATE.findall((root.path / _BUNDLE).read_text(encoding="utf-8"))
        own = set(_CERTIFICATE.findall(HOST_CERTIFICATES.read_text(encoding="utf-8")))
        folder = root.path / "usr/local/share/ca-certificates"
        folder.mkdir(parents=True, exist_ok=True)
        for number, certificate in enumerate(sorted(own.difference(public))):
            (folder / f"host-{number}.crt").write_text(f"{certificate}\n", encoding="utf-8")
        root.run("update-ca-certificates")


def pip_configuration() -> str:
    """The machine's pip.conf, with the certificates where a root has them."""
    text = "[global]\n"
    if HOST_PIP_CONFIGURATION.exists():
        text = HOST_PIP_CONFIGURATION.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("cert")]
    if HOST_CERTIFICATES.exists():
        lines.insert(lines.index("[global]") + 1, f"cert = {CERTIFICATES}")
    return "\n".join(lines) + "\n"


def archive() -> str:
    """The Debian archive that this machine itself uses; its name is written down nowhere."""
    return next(_archives())


def archives() -> str:
    """That archive and those beside it, as `[mirrors] apt` takes them."""
    return archive().rstrip("/").removesuffix("debian") + "{distribution}"


def default_mirror(suite: str) -> str:
    """The archive that debootstrap itself takes for a suite of another distribution: of those that
    it names, for releases old and new, the one that has it.
    """
    script = _find_script(suite).read_text(encoding="utf-8")
    named = dict.fromkeys(
        re.findall(r"default_mirror (https?://\S*[^/\s])/?$", script, re.MULTILINE)
    )
    return next(mirror for mirror in named if _has(mirror, suite))


def _find_script(suite: str) -> Path:
    """The script of debootstrap for a suite. That of all suites of Ubuntu is `gutsy`, which is
    there for those that are newer than debootstrap, too.
    """
    named = Path("/usr/share/debootstrap/scripts", suite)
    return named if named.exists() else named.with_name("gutsy")


def _has(mirror: str, suite: str) -> bool:
    try:
        with urllib.request.urlopen(f"{mirror}/dists/{suite}/InRelease", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _archives() -> Iterator[str]:
    folder = Path("/etc/apt")
    files = [*sorted((folder / "sources.list.d").glob("*")), folder / "sources.list"]
    for file in files:
        if file.is_file():
            for line in file.read_text(encoding="utf-8").splitlines():
                found = re.match(r"(?:URIs:|deb(?: \[.*?\])?)\s+(\S+/debian/?)(?:\s|$)", line)
                if found:
                    yield found[1]
