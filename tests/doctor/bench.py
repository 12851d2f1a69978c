"""The rig that the doctor's tests break."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.execution.inside import RIGSPEC
from tests.execution.roots import SystemRoot

_SPEC = """\
rig = 1
name = "bench"
summary = "A small rig with something of everything"

[machine.box]
os = "debian 12"

[system]
packages = ["less"]

[system.env]
RIG_GREETING = "hello 'there'"
RIG_FOLDERS = {{ prepend = ["/opt/rig/bin", "/opt/more folders"] }}

[env.lab]
python = "3.11"
interpreter = "system"
frameworks = {{ keras = "2.12" }}
packages = {{ six = "1.16", tomli = "2.0" }}

[env.lab.config.keras]
backend = "tensorflow"

[download.words]
url = "{words}"
sha256 = "{sha256}"
to = "/opt/bench/words"

[user.alice]
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8c0vGyXGJ9kq5wF1Xq9Jj9oYV5B0m8n3m3bJ0s8lqX a"]

[user.bob]

[mirrors]
apt = "{mirror}"
"""


def spec_text(words: str, sha256: str, archive: str) -> str:
    """The spec: ``words`` is the address of its download, ``archive`` that of Debian's."""
    mirror = archive.rstrip("/").removesuffix("debian") + "{distribution}"
    return _SPEC.format(words=words, sha256=sha256, mirror=mirror)


@dataclass(frozen=True)
class Bench:
    """A system with the rig in it, and rigspec beside it."""

    root: SystemRoot

    def doctor(self, *options: str) -> subprocess.CompletedProcess[str]:
        command = (RIGSPEC, "doctor", "/root/rig/rig.toml", "--lock", "/root/rig/lock")
        return self.root.run("env", "RIGSPEC_NO_CACHE=1", *command, *options, check=False)

    def items(self, *options: str) -> list[dict[str, Any]]:
        done = self.doctor("--format", "json", *options)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        found = json.loads(done.stdout)
        assert found["schema"] == 1
        items: list[dict[str, Any]] = found["items"]
        return items

    def differences(self, *options: str) -> set[tuple[str, str, str]]:
        return {
            (item["status"], item["name"], item["aspect"])
            for item in self.items(*options)
            if item["status"] not in ("ok", "unknown")
        }
