"""A rig that is installed for real, with rigspec inside it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.doctor.bench import Bench, spec_text
from tests.execution.conftest import KEPT, copied
from tests.execution.inside import put_rigspec
from tests.execution.roots import archive, make_root
from tests.lock.conda_channel import served


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    subprocess.run([ROOT / "scripts" / "install-test-tools"], check=True)
    root = copied(make_root("bookworm", KEPT), folder)
    put_rigspec(root.path, KEPT, folder)
    words = b"some words\n"
    (folder / "files").mkdir()
    (folder / "files" / "words").write_bytes(words)
    home = root.path / "root" / "rig"
    home.mkdir()
    with served(folder / "files") as address:
        spec = home / "rig.toml"
        spec.write_text(
            spec_text(f"{address}/words", hashlib.sha256(words).hexdigest(), archive()),
            encoding="utf-8",
        )
        for command in (
            ("lock", spec, "-o", home / "lock"),
            ("compile", spec, "--lock", home / "lock", "--target", "shell", "-o", home / "out"),
        ):
            subprocess.run(
                [sys.executable, "-m", "rigspec", *map(str, command)],
                cwd=ROOT,
                check=True,
                capture_output=True,
            )
        root.run("/root/rig/out/shell/install.sh")
        yield Bench(root)
    shutil.rmtree(root.path, ignore_errors=True)
