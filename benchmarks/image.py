"""Time the builds of an image: the first, an unchanged second, and one with a changed requirement.

    python benchmarks/image.py [REVISION]

REVISION is a commit whose Dockerfile is compared. Run it as root on Debian, with the tools of
`scripts/install-test-tools`: a temporary Docker engine builds on a Debian 12 from debootstrap. Each
Dockerfile starts without layers and without caches of apt and pip.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.containers import Docker, docker_engine  # noqa: E402
from tests.execution.conftest import KEPT  # noqa: E402
from tests.execution.roots import make_root  # noqa: E402

BUILDS = ("first", "second", "requirement")
SPEC = """
rig = 1
name = "bench"

[machine.box]
os = "debian 12"

[system]
packages = ["git", "tree", "unzip"]

[env.lab]
python = "3.11"
packages = { numpy = "1.26.4", six = "1.16.0" }
"""


def main() -> None:
    revisions = [None, *sys.argv[1:2]]
    with tempfile.TemporaryDirectory(prefix="rigspec-image-") as name:
        folder = Path(name)
        contexts = [compile_both(revision, folder) for revision in revisions]
        print(f"{'':<14}{'lines':>7}{'bytes':>8}" + "".join(f"{build:>14}" for build in BUILDS))
        for revision, (first, changed) in zip(revisions, contexts, strict=True):
            with docker_engine(folder / f"engine-{revision}") as docker:
                docker.image("localhost/debian:12", make_root("bookworm", KEPT))
                times = [build(docker, context) for context in (first, first, changed)]
            text = (first / "Dockerfile").read_text(encoding="utf-8")
            size = f"{len(text.splitlines()):>7}{len(text.encode()):>8}"
            seconds = "".join(f"{duration:>12.1f} s" for duration in times)
            print(f"{revision or 'this version':<14}{size}{seconds}", flush=True)


def compile_both(revision: str | None, folder: Path) -> tuple[Path, Path]:
    """Return the contexts of the rig and of the rig with another requirement."""
    source = ROOT if revision is None else export(revision, folder / "source")
    found = []
    for six in ("1.16.0", "1.15.0"):
        place = folder / f"rig-{six}"
        if not (place / "lock").exists():
            place.mkdir()
            spec = SPEC.replace("1.16.0", six)
            (place / "rig.toml").write_text(spec, encoding="utf-8")
            rigspec(ROOT, "lock", place / "rig.toml", "-o", place / "lock")
        out = place / f"out-{revision}"
        options = ("--target", "docker", "--lock", place / "lock", "-o", out)
        rigspec(source, "compile", place / "rig.toml", *options)
        found.append(out / "docker")
    return found[0], found[1]


def export(revision: str, target: Path) -> Path:
    """Write the package of another revision to a folder."""
    target.mkdir()
    command = ["git", "-C", str(ROOT), "archive", revision, "rigspec", "backends"]
    archive = subprocess.run(command, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", target], input=archive, check=True)
    shutil.move(target / "backends", target / "rigspec" / "backends")
    return target


def rigspec(source: Path, *arguments: str | Path) -> None:
    environment = dict(os.environ)
    if source != ROOT:
        environment["PYTHONPATH"] = str(source)
    subprocess.run(
        [sys.executable, "-m", "rigspec", *arguments, "--quiet"],
        env=environment,
        cwd=source,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def build(docker: Docker, context: Path) -> float:
    start = time.perf_counter()
    options = ("--network=host", "--build-arg", "BASE=localhost/debian:12", "--tag", "bench")
    output = docker("build", "--progress=plain", *options, context)
    assert re.search(r"exporting to image", output), output
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
