"""A rig that is installed for real, with rigspec inside it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.doctor.bench import Bench, spec_text
from tests.execution.conftest import KEPT, layered
from tests.execution.first_boot import prepared_root
from tests.execution.inside import put_rigspec
from tests.execution.roots import archive
from tests.lock.conda_channel import served


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    subprocess.run([ROOT / "scripts" / "install-test-tools"], check=True)
    words = b"some words\n"
    (folder / "files").mkdir()
    (folder / "files" / "words").write_bytes(words)
    # A system that has Python already: installing it takes as long as the rest.
    base = prepared_root(KEPT)
    with layered(base, folder) as root, served(folder / "files") as address:
        put_rigspec(root.path, KEPT, folder)
        home = root.path / "root" / "rig"
        home.mkdir()
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
