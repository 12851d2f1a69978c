"""The five rigs that the project began from, and the locks that `rigspec lock` made of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import tomli

from rigspec.lock.lockfile import read_lock
from rigspec.lock.python.requirements_file import read_pins
from rigspec.spec.loader import compute_spec_digest, load_spec
from tests.committed_rigs import MACHINES, list_machines
from tests.conftest import ROOT

pytestmark = pytest.mark.long(seconds=5)

Rigspec = Callable[..., subprocess.CompletedProcess[str]]

SPECS = sorted(path.stem for path in (ROOT / "specs").glob("*.toml"))
# The article to the letter: `check` refuses it, so it has no lock.
REFUSED = {"dl-server-as-written"}
# Its author's memory does not fit the board; what is installed can exist all the same.
MISFIT = {"submarine"}
LOCKED = [name for name in SPECS if name not in REFUSED]

# What each article says, where its spec has it, and what was resolved from it ("is").
TOWER = "machine.tower."
ARTICLES: dict[str, tuple[tuple[str, object], ...]] = {
    "submarine": (
        (f"{TOWER}motherboard.model", "Asus X99-M WS"),
        (f"{TOWER}cpu", "Intel Core i7-5820K"),
        (f"{TOWER}gpus", [{"model": "NVIDIA GTX 1080", "count": 2}]),
        (f"{TOWER}memory", {"size": "64 GB", "type": "DDR3"}),
        (f"{TOWER}storage.1", {"size": "6 TB", "kind": "hdd", "count": 2}),
        (f"{TOWER}case.model", "Cooler Master HAF 912"),
        (f"{TOWER}os", "ubuntu 16.04"),
        ("env.py2.interpreter", "pyenv"),
        ("env.py2.config.keras.backend", "theano"),
        ("system.env.CPATH", {"prepend": ["/usr/local/cuda-8.0/include"]}),
        ("is.cuda", "8.0.61"),  # "the latest", in February 2017
        ("is.cudnn", "5.1.10"),
        ("is.envs.py2.python", "2.7.18"),
        ("is.envs.py2.frameworks", {"keras": "1.2.1", "theano": "0.8.2"}),
        ("is.envs.py3.frameworks", {"keras": "1.2.1", "theano": "0.8.2"}),
    ),
    "dl-server": (
        (f"{TOWER}gpus", [{"model": "GTX 1080 Ti Hybrid", "count": 2}]),
        (f"{TOWER}cpu", "AMD Ryzen Threadripper 1900X"),
        (f"{TOWER}motherboard.model", "MSI X399 SLI Plus"),
        (f"{TOWER}motherboard.memory_max", "128 GB"),
        (f"{TOWER}memory", {"size": "32 GB", "type": "DDR4", "modules": 2}),
        (f"{TOWER}psu", {"model": "EVGA SuperNOVA", "watts": 1000, "efficiency": "80+ gold"}),
        (f"{TOWER}case.model", "Corsair 760T"),
        (f"{TOWER}budget", "3000 USD"),
        (f"{TOWER}os", "ubuntu 16.04"),
        ("env.fastai.interpreter", "conda"),
        ("env.fastai.config.keras.epsilon", 1e-07),
        ("service.jupyter.port", 8888),
        ("service.dyndns.protocol", "noip"),
        ("is.cuda", "9.0.176"),
        ("is.cudnn_built_for", "9.0"),  # the article's is built for 9.1, and cannot be loaded
        ("is.envs.fastai.python", "3.6.5"),
        ("is.envs.fastai.distributions.tensorflow-gpu", "1.8.0"),
    ),
    "argentina": (
        (f"{TOWER}cpu", "Intel Pentium G4560"),
        (f"{TOWER}gpus", [{"model": "Zotac GTX 1070 Mini", "length": "210 mm"}]),
        (
            f"{TOWER}memory",
            {"size": "16 GB", "type": "DDR4", "modules": 2, "speed": 2400, "watts": 10},
        ),
        (f"{TOWER}motherboard.model", "Gigabyte GA-B250M-DS3H"),
        (f"{TOWER}motherboard.memory_max", "64 GB"),
        (f"{TOWER}motherboard.memory_slots", 4),
        (f"{TOWER}storage.0.size", "120 GB"),
        (f"{TOWER}psu.watts", 500),
        (f"{TOWER}case.gpu_clearance", ["414 mm", "275 mm"]),
        (f"{TOWER}budget", "1000 USD"),
        ("service.ssh.port", 22),  # no screen
        ("is.cuda", "8.0.61"),
        (
            "is.envs.nets.frameworks",
            {"tensorflow": "1.1.0", "theano": "0.9.0", "keras": "2.0.4"},
        ),
    ),
    "deep-al": (
        (
            f"{TOWER}gpus",
            [{"model": "Zotac GeForce RTX 2070", "watts": 185, "idle_watts": 46}],
        ),
        (f"{TOWER}cpu.model", "AMD Ryzen Threadripper 1900X"),
        (f"{TOWER}motherboard.model", "Gigabyte X399 AORUS PRO"),
        (f"{TOWER}motherboard.slots", ["x16", "x16", "x8", "x8"]),
        (f"{TOWER}memory.size", "16 GB"),
        (f"{TOWER}memory.modules", 2),
        (f"{TOWER}psu.efficiency", "80+ platinum"),
        (f"{TOWER}other.0.model", "Arctic Freezer 33 TR"),
        (f"{TOWER}case.model", "Corsair 750D Airflow"),
        (f"{TOWER}budget", "2000 EUR"),
        (f"{TOWER}electricity", "0.30 EUR/kWh"),
        (f"{TOWER}os", "ubuntu 18.04"),
        ("is.cuda", "10.0.130"),  # the first that is made for the card
        ("is.envs.fastai.frameworks", {"fastai": "1.0.42", "torch": "1.0.0"}),
        ("is.envs.keras.frameworks", {"keras": "2.2.4", "tensorflow": "1.13.1"}),
        ("env.keras.config.keras.backend", "tensorflow"),
    ),
    "sourced": (
        ("machine.science-3.gpus.0.count", 2),
        ("machine.science-3.kernel_args", ["intel_iommu=off"]),
        ("machine.p2.kind", "cloud"),
        ("cuda.nvblas", True),
        ("env.science.packages.mkl", "*"),
        ("env.science.packages.notebook", "*"),
        ("is.os", "ubuntu 16.04"),  # the containers' own; the host's Container Linux is no more
        ("is.cuda", "8.0.61"),
    ),
}
FACTS = [(rig, place, fact) for rig, facts in ARTICLES.items() for place, fact in facts]


def at(table: Any, place: str) -> Any:
    for key in place.split("."):
        table = table[int(key)] if isinstance(table, list) else table[key]
    return table


@pytest.fixture(scope="session")
def resolved() -> dict[str, dict[str, Any]]:
    """`rigspec check` of every rig, by name: the first machine's result."""
    files = [f"specs/{name}.toml" for name in SPECS]
    command = [sys.executable, "-m", "rigspec", "check", "--format", "json", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found: dict[str, dict[str, Any]] = {}
    for result in json.loads(done.stdout)["results"]:
        found.setdefault(Path(result["spec"]).stem, result)
    return found


@pytest.mark.parametrize("name", SPECS)
def test_every_spec_can_exist_but_for_its_authors_own_mistakes(
    name: str, resolved: dict[str, dict[str, Any]]
) -> None:
    assert resolved[name]["status"] == ("conflict" if name in REFUSED | MISFIT else "ok")
    assert (resolved[name]["resolution"] is None) == (name in REFUSED)
    errors = {d["code"] for d in resolved[name]["diagnostics"] if d["severity"] == "error"}
    assert all(code.startswith("RS1") == (name in MISFIT) for code in errors)


@pytest.mark.parametrize(("rig", "place", "fact"), FACTS, ids=lambda value: str(value)[:40])
def test_a_rig_is_what_its_article_says(
    rig: str, place: str, fact: object, resolved: dict[str, dict[str, Any]]
) -> None:
    spec = tomli.loads((ROOT / "specs" / f"{rig}.toml").read_text(encoding="utf-8"))
    assert at({**spec, "is": resolved[rig]["resolution"]}, place) == fact


def test_every_rig_is_locked() -> None:
    assert [path.name for path in sorted((ROOT / "lockfiles").iterdir())] == LOCKED


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_belongs_to_its_spec(name: str) -> None:
    spec = ROOT / "specs" / f"{name}.toml"
    lock, _ = read_lock(ROOT / "lockfiles" / name)
    assert lock.rig == name
    assert [machine.resolution.machine for machine in lock.machines] == list_machines(name)
    assert lock.spec_digest == compute_spec_digest(load_spec(spec).rig)
    alone = ["unshare", "--net", "--", sys.executable, "-m", "rigspec"]
    check = subprocess.run([*alone, "lock", spec, "--check"], capture_output=True, check=False)
    assert check.returncode == 0, check.stderr


def locked_texts(name: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "lockfiles" / name).rglob("*.txt")):
        yield path, path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOCKED)
def test_every_requirement_has_a_hash_and_no_index_an_address(name: str) -> None:
    texts = dict(locked_texts(name))
    lock, _ = read_lock(ROOT / "lockfiles" / name)
    assert bool(texts) == any(machine.envs for machine in lock.machines)
    for path, text in texts.items():
        found = read_pins(text)
        begun = [line for line in text.splitlines() if line and line[0] not in "# "]
        assert len(found) == len(begun) > 0, path
        for pin in found:
            assert pin.sha256, f"{path}: {pin.name}"
            assert all(re.fullmatch("[0-9a-f]{64}", checksum) for checksum in pin.sha256)
        assert "://" not in text
        assert "index-url" not in text
    rig_lock = (ROOT / "lockfiles" / name / "rig.lock").read_text(encoding="utf-8")
    assert not re.search(r"pypi|/simple\b", rig_lock)


@pytest.mark.parametrize(("name", "machine"), MACHINES)
def test_every_target_is_compiled_from_the_lock_without_a_network(
    name: str, machine: str, tmp_path: Path, check_file: Callable[[Sequence[str], Path], None]
) -> None:
    command = ["unshare", "--net", "--", sys.executable, "-m", "rigspec", "compile"]
    command += [f"specs/{name}.toml", "--machine", machine, "--target", "all", "--locked"]
    done = subprocess.run([*command, "-o", tmp_path], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    scripts = sorted(tmp_path.rglob("*.sh"))
    assert {script.name for script in scripts} >= {"install.sh", "rig.sh"}
    for script in scripts:
        # What is sourced has no first line that names a shell, and has to suit every one.
        sourced = not script.read_text(encoding="utf-8").startswith("#!")
        check_file(["bash", "-n", "{}"], script)
        check_file(["shellcheck", *(["--shell", "sh"] if sourced else []), "{}"], script)
