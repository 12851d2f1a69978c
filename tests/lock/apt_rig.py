"""A rig on an archive of the test's own, and rigspec run on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from rigspec.cli.app import app
from rigspec.lock.lockfile import read_lock
from rigspec.lock.model import LockedMachine
from tests.lock.signed_archive import SignedArchive

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
