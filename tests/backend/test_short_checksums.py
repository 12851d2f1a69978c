"""User-data with short checksums: the first boot completes the lock's files to the byte."""

from __future__ import annotations

import os
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rigspec.backend.quoting import sha256
from rigspec.backend.shell_library import read_library
from rigspec.backend.short_checksums import remove_program_comments, shorten_checksums
from rigspec.plan.model import PayloadFile
from rigspec.plan.steps import AptPackage, AptPackagesStep, EnvironmentStep
from tests.execution.shell_trace import collect_lines, open_trace, trace_settings
from tests.serving import start_server

SUMS = {name: sha256(name) for name in ("curl", "gnupg", "six", "Zope.Event")}
PACKAGES = f"curl=7.88.1-10+deb12u5 {SUMS['curl']}\ngnupg=2.2.40-1.1 {SUMS['gnupg']}\nnano=7.2-1\n"
REQUIREMENTS = f"""\
# Written by rigspec: do not edit.
six==1.16.0 \\
    --hash=sha256:{SUMS["six"]}
Zope.Event==5.0 ; python_version < "4" \\
    --hash=sha256:{SUMS["Zope.Event"]}
"""
APT_CACHE = """#!/bin/sh
case $2 in
  curl=7.88.1-10+deb12u5) echo 'SHA256: {curl}'; echo 'SHA256: {curl}' ;;
  gnupg=2.2.40-1.1) echo 'SHA256: {gnupg}' ;;
  *) exit 100 ;;
esac
"""


def build_environment(**changes: object) -> EnvironmentStep:
    values = {
        **{"id": "env", "title": "Environment", "layer": "env", "name": "e", "path": "/e"},
        **{"create_command": ("venv",), "python": "3.11", "pip": "24.0"},
        **{"requirements": "requirements.txt", "tools": "tools.txt", **changes},
    }
    return EnvironmentStep(**values)  # type: ignore[arg-type]


def build_packages() -> AptPackagesStep:
    packages = (AptPackage("curl", "7.88.1-10+deb12u5", SUMS["curl"]),)
    return AptPackagesStep(
        id="system", title="System", layer="system", packages=packages, package_list="packages.txt"
    )


PAYLOAD = (
    PayloadFile("packages.txt", PACKAGES),
    PayloadFile("requirements.txt", REQUIREMENTS),
    PayloadFile("tools.txt", "# nothing\n"),
)


def write_short_files(folder: Path) -> str:
    """Write the short files; return the calls that complete them."""
    files, completions = shorten_checksums((build_packages(), build_environment()), PAYLOAD)
    for file in files:
        (folder / file.name).write_text(file.content, encoding="utf-8")
    return "\n".join(" ".join(call) for calls in completions.values() for call in calls)


def complete(
    folder: Path, calls: str, sums: dict[str, str], index: str
) -> subprocess.CompletedProcess[str]:
    programs = folder / "programs"
    programs.mkdir()
    for name, text in (("apt-cache", APT_CACHE.format(**sums)), ("apt-get", "#!/bin/sh\n")):
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    library = (
        read_library("short-first-boot.sh")
        .replace("LOCK=/opt/rig/lock", f"LOCK={folder}")
        .replace("https://pypi.org/simple", index)
        .replace("5, 30, 90, 0", "0,")
    )
    script = folder / "complete.sh"
    script.write_text(f"set -euo pipefail\n{library}\n{calls}\n{calls}\n", encoding="utf-8")
    path = f"PATH={programs}:{os.environ['PATH']}"
    done = subprocess.run(
        ["env", path, *trace_settings(), "bash", script],
        capture_output=True, text=True, check=False, pass_fds=open_trace(),
    )  # fmt: skip
    collect_lines([Path("/")])
    return done


class Index(BaseHTTPRequestHandler):
    """A simple index of two packages, with other files of each."""

    sums = SUMS

    def do_GET(self) -> None:
        """Answer with the page of a package, by its normalized name."""
        name = {"/six/": "six", "/zope-event/": "Zope.Event"}[self.path]
        sums = ("0" * 64, self.sums[name])
        page = "".join(f'<a href="/a.whl#sha256={each}">a</a>' for each in sums)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def index() -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    start_server(server)
    return f"http://127.0.0.1:{server.server_port}"


def test_short_files_are_completed_to_the_byte(tmp_path: Path, index: str) -> None:
    calls = write_short_files(tmp_path)
    short = (tmp_path / "packages.txt").read_text(encoding="utf-8")
    assert short == "curl=7.88.1-10+deb12u5 ?\ngnupg=2.2.40-1.1 ?\nnano=7.2-1\n"
    done = complete(tmp_path, calls, SUMS, index)
    assert done.returncode == 0, done.stderr
    for file in PAYLOAD:
        assert (tmp_path / file.name).read_text(encoding="utf-8") == file.content


def test_package_that_index_lists_with_other_checksum_stops(tmp_path: Path, index: str) -> None:
    calls = write_short_files(tmp_path)
    done = complete(tmp_path, calls, {**SUMS, "gnupg": "f" * 64}, index)
    assert done.returncode != 0
    message = "checksum mismatch: the index does not list the files of the lock (packages.txt)\n"
    assert done.stderr == message
    assert " ?\n" in (tmp_path / "packages.txt").read_text(encoding="utf-8")


def test_requirement_that_index_does_not_list_stops(tmp_path: Path, index: str) -> None:
    calls = write_short_files(tmp_path)
    path = tmp_path / "requirements.txt"
    path.write_text(path.read_text("utf-8").replace(SUMS["six"][:8], "12345678"), "utf-8")
    done = complete(tmp_path, calls, SUMS, index)
    assert done.returncode != 0
    assert "six: PyPI has no file with the checksum of the lock" in done.stderr


@pytest.mark.parametrize(
    "changes", [{"index": "https://mirror.example.org"}, {"extra_indexes": ("https://e.org",)}]
)
def test_requirements_of_other_index_keep_their_checksums(changes: dict[str, object]) -> None:
    files, completions = shorten_checksums((build_environment(**changes),), PAYLOAD)
    assert files == PAYLOAD
    assert completions == {}


def test_completed_step_is_skipped_unless_it_is_requested(tmp_path: Path) -> None:
    library = read_library("short-first-boot.sh").replace("STATE=/var/lib/rig", f"STATE={tmp_path}")
    plan = """
    first_apply() { echo applied first; }
    second_apply() { test -e "$STATE/fixed"; }
    verify_apply() { echo verified; }
    secret_apply() { invalidate_dependents; }
    load_plan() { step one '' first; step two '' second; step verify '' verify; }
    secret() { step key '' secret dependents=one; step one '' first; }
    [ ! -e "$STATE/secret" ] || load_plan() { secret; }
    """

    def run(*arguments: str) -> list[str]:
        script = f'set -euo pipefail\nNAME=install.sh\n{library}\n{plan}\nmain "$@"'
        command = ["bash", "-c", script, "install.sh", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return [*done.stdout.splitlines(), str(done.returncode)]

    assert run() == ["doing    one", "applied first", "doing    two", "1"]
    (tmp_path / "fixed").touch()
    rest = ["doing    verify", "verified", "0"]
    assert run() == ["ok       one", "doing    two", *rest]
    assert run() == ["ok       one", "ok       two", *rest]
    assert run("--step", "one") == ["doing    one", "applied first", "0"]
    (tmp_path / "secret").touch()
    again = ["doing    key", "doing    one", "applied first", "0"]
    assert run() == again
    assert run() == again


def test_program_without_comments_has_same_lines_of_code() -> None:
    text = "#!/bin/sh\n# usage\nset -u\n  # why\necho '#'\n"
    assert remove_program_comments(PayloadFile("a.sh", text)).content == (
        "#!/bin/sh\nset -u\necho '#'\n"
    )
    module = '"""Check\n\nit."""\n\nimport io\n'
    assert remove_program_comments(PayloadFile("a.py", module)).content == "import io\n"
    assert remove_program_comments(PayloadFile("packages.txt", text)).content == text
