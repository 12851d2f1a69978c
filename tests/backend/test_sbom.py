"""The bill of materials: valid CycloneDX 1.6, and everything of the lock in it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.lock.lockfile import read_lock
from tests.backend.document_rig import build_document_plan, checksum
from tests.conftest import ROOT

Rigspec = Callable[..., subprocess.CompletedProcess[str]]


def _machines() -> Iterator[tuple[str, str | None]]:
    for spec in sorted((ROOT / "specs").glob("*.toml")):
        if (ROOT / "lockfiles" / spec.stem).is_dir():
            machines = tomli.loads(spec.read_text(encoding="utf-8")).get("machine", {})
            yield from ((spec.stem, name) for name in machines or (None,))


def _render() -> dict[str, Any]:
    backend = next(each for each in find_backends() if each.name == "sbom")
    (file,) = compile_plan(build_document_plan(), backend)
    content: dict[str, Any] = json.loads(file.content)
    return content


def _components(bom: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["bom-ref"]: each for each in bom["components"]}


def _depends(bom: dict[str, Any]) -> dict[str, list[str]]:
    return {each["ref"]: each.get("dependsOn", []) for each in bom["dependencies"]}


@pytest.mark.parametrize(("rig", "machine"), list(_machines()))
def test_sbom_of_committed_rigs_is_valid_and_has_every_checksum_of_the_lock(
    rig: str, machine: str | None, rigspec: Rigspec, tmp_path: Path
) -> None:
    arguments = ("--machine", machine) if machine is not None else ()
    spec = ROOT / "specs" / f"{rig}.toml"
    done = rigspec("compile", spec, *arguments, "--target", "sbom", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "sbom" / "sbom.cdx.json").read_text(encoding="utf-8")

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = json.loads(text)
    found = {each["content"] for one in bom["components"] for each in one.get("hashes", ())}
    lock, _ = read_lock(ROOT / "lockfiles" / rig)
    locked = next(each for each in lock.machines if each.resolution.machine == machine)
    expected = {each.sha256 for each in (*locked.files, *locked.packages) if each.sha256}
    for env in locked.envs:
        for package in (*env.packages, *env.tools):
            expected.update(package.sha256)
    assert expected <= found
    references = {"rig", *_components(bom)}
    edges = _depends(bom)
    assert edges.keys() == references
    assert {ref for refs in edges.values() for ref in refs} <= references


def test_sbom_of_small_rig_matches_golden_file(golden: Callable[[Path, str], None]) -> None:
    text = json.dumps(_render(), indent=2) + "\n"
    golden(ROOT / "tests" / "golden" / "documents" / "sbom.cdx.json", text)


def test_sbom_names_packages_by_url_with_checksum() -> None:
    found = _components(_render())
    purls = {
        ref: PackageURL.from_string(one["purl"]) for ref, one in found.items() if "purl" in one
    }
    assert purls["deb:git"].to_dict() == {
        "type": "deb",
        "namespace": "debian",
        "name": "git",
        "version": "1:2.39.5-0+deb12u2",
        "qualifiers": {"arch": "amd64", "distro": "debian-12"},
        "subpath": None,
    }
    assert purls["deb:nvidia-driver"].qualifiers == {
        "distro": "debian-12",
        "repository_url": "https://example.org/cuda",
    }
    assert purls["pypi:work/torch"].version == "2.7.1+cu118"
    assert purls["conda:studio/numpy"].qualifiers == {
        "build": "h0_0",
        "channel": "https://conda.anaconda.org/conda-forge",
        "subdir": "linux-64",
        "type": "conda",
    }
    assert purls["image:debian:12"].qualifiers["repository_url"] == "docker.io/library/debian"
    assert purls["image:debian:12"].version == f"sha256:{checksum(6)}"
    assert found["file:interpreter/cpython-3.11.15.tar.gz"]["hashes"] == [
        {"alg": "SHA-256", "content": checksum(2)}
    ]


def test_sbom_has_the_dependencies_that_the_lock_knows() -> None:
    edges = _depends(_render())
    assert edges["deb:git"] == ["deb:git-man"]
    assert edges["conda:studio/numpy"] == ["conda:studio/python"]
    assert edges["python:work"] == ["file:interpreter/cpython-3.11.15.tar.gz"]
    assert {"python:work", "pypi:work/torch"} <= set(edges["env:work"])
    assert "conda:studio/python" not in edges["env:studio"]
    assert {"env:studio", "env:work", "image:debian:12", "os:debian 12"} <= set(edges["rig"])


def test_sbom_has_no_time_and_a_serial_number_of_the_lock() -> None:
    bom = _render()
    assert "timestamp" not in bom["metadata"]
    assert bom["serialNumber"] == _render()["serialNumber"]
    values = {each["name"]: each["value"] for each in bom["metadata"]["component"]["properties"]}
    assert values["rigspec:lock:sha256"] == "12" * 32
    assert values["rigspec:unpinned"].startswith("packages of the repository nvidia-cuda: ")
