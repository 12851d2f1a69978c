"""CUDA toolkits, cuDNN builds and driver branches as tables of the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from gpu_code import KNOWN, dotted, native_ranges, toolkit_code
from matrix_rows import (
    Row,
    Sources,
    by_minor,
    full_day,
    minor,
    numbers,
    read,
    release,
    rule,
)
from packaging.version import Version

__all__ = ["cuda", "cudnn", "driver"]

# Toolkit -> the vendor's folder of its runfile, where a public recipe names it.
_VENDOR = "https://developer.nvidia.com/compute/cuda"
_DOWNLOADS = "https://developer.download.nvidia.com/compute/cuda"
_RUNFILE_FOLDERS = {
    "8.0.61": f"{_VENDOR}/8.0/Prod2/local_installers",
    "9.0.176": f"{_VENDOR}/9.0/Prod/local_installers",
}

# Runs code for 7.0 by the rules of CUDA, and fails in the libraries of CUDA 9.
_TURING = (7, 5)

# Sources of the overlay that saw the libraries of a major in wheels fail on another generation.
_SEEN_TO_FAIL = ("libraries-10", "libraries-12", "libraries-13")

_LONG_LIVED = {
    "ubuntu14.04": "ubuntu 14.04",
    "ubuntu16.04": "ubuntu 16.04",
    "ubuntu18.04": "ubuntu 18.04",
    "ubuntu20.04": "ubuntu 20.04",
    "ubuntu22.04": "ubuntu 22.04",
    "ubuntu24.04": "ubuntu 24.04",
    "centos7": "centos 7",
    "ubi7": "rhel 7",
    "ubi8": "rhel 8",
    "rockylinux8": "rocky 8",
}


def cuda(facts: Path, sources: Sources) -> Iterator[str]:
    rows = read(facts, "cuda_toolkits")
    for row in rows:
        yield _toolkit(row, sources)
    for row in rows:
        yield from _driver_rules(row)
    yield from _runtime_rules(rows, facts)
    for version, patches in by_minor(rows, "supported_compute_capabilities"):
        yield from _capability_rules(version, patches)
    for version, patches in _majors_of_gcc(rows):
        yield from _gcc_rules(version, patches)
    for version, patches in by_minor(rows, "apt_toolkit_metapackage"):
        systems = _systems(patches)
        if systems:
            yield _system_rule(version, systems)


def _toolkit(row: Row, sources: Sources) -> str:
    version, runfile = row["version"], row["runfile_filename"]
    folder = _RUNFILE_FOLDERS.get(version)
    if folder is None and Version(version) >= Version("11.0.2"):
        folder = f"{_DOWNLOADS}/{version}/local_installers"
    artifacts = []
    if folder is not None and runfile and row["runfile_sha256_x86_64"]:
        artifacts = [(runfile, f"{folder}/{runfile}", row["runfile_sha256_x86_64"])]
    figures = {
        "apt_package": row["apt_toolkit_metapackage"],
        "apt_version": f"{version}-1",
        "home": "/usr/local/cuda-" + minor(version),
        "released": row["release_date"],
        "runfile": row["runfile_filename"],
        "runfile_sha256": row["runfile_sha256_x86_64"],
    }
    return release(
        version,
        artifacts=artifacts,
        figures={key: value for key, value in figures.items() if value},
        source=sources.of(row),
        of=row["confidence"],
    )


def _driver_rules(row: Row) -> Iterator[str]:
    """What a toolkit wants of the driver: its own, or from CUDA 11 on any of its major."""
    version, own = row["version"], row["min_driver_linux"]
    own = own if re.fullmatch(r"[\d.]+", own) else ""
    least = re.match(r"[\d.]+", row["minor_compat_min_driver_linux"])
    if least is None:
        if own:
            yield _too_old(f"cuda-{version}/driver", "cuda", version, version, own)
        return
    yield _too_old(f"cuda-{version}/driver", "cuda", version, version, least[0])
    # NVIDIA released nothing between 580 and 580.65.06 that a source names.
    if own and Version(own) > Version(least[0]) and least[0].count(".") > 0:
        yield rule(
            f"cuda-{version}/driver/minor-version",
            when={"cuda": f"=={version}"},
            must={"driver": f">={own}"},
            code="RS223",
            statement=f"CUDA {version} comes with driver {own}; an older one, from {least[0]} on, "
            "runs it by minor-version compatibility: no PTX of this toolkit, no features of newer "
            "drivers",
            severity="note",
            source=["release-notes", "compatibility"],
        )


def _runtime_rules(rows: list[Row], facts: Path) -> Iterator[str]:
    """The same for a CUDA runtime that comes inside wheels, by minor release."""
    brought = {minor(row["default_wheel_cuda"]) for row in read(facts, "pytorch")} - {""}
    for version, patches in by_minor(rows, "apt_toolkit_metapackage"):
        first = patches[0]
        if version not in brought and Version(version) < Version("12.1"):
            continue  # no wheel brings it
        least = re.match(r"[\d.]+", first["minor_compat_min_driver_linux"]) or re.match(
            r"[\d.]+", first["min_driver_linux"]
        )
        if least is not None:
            id_ = f"cuda-runtime-{version}/driver"
            yield _too_old(id_, "cuda_runtime", version, version, least[0])
        yield _runtime_capability(version, first["supported_compute_capabilities"])


def _runtime_capability(version: str, capabilities: str) -> str:
    """A wheel may carry PTX for a newer card: NVIDIA's own libraries beside it do not serve one."""
    code = toolkit_code(capabilities)
    low, high = dotted(code.native[0]), dotted(code.native[-1])
    newer = f"libraries-{version.split('.')[0]}"
    return rule(
        f"cuda-runtime-{version}/compute_capability",
        when={"cuda_runtime": version},
        must={"compute_capability": native_ranges(code)},
        code="RS205",
        statement=f"the libraries of CUDA {version} in wheels hold code for compute capabilities "
        f"{low} to {high} and no other generation",
        breaks="CUDNN_STATUS_EXECUTION_FAILED, CUDA_ERROR_INVALID_HANDLE, or no kernel image is "
        "available for execution on the device",
        source=["compiler-bounds", *([newer] if newer in _SEEN_TO_FAIL else [])],
    )


def _too_old(id_: str, component: str, version: str, name: str, driver: str) -> str:
    exactly = version if component == "cuda_runtime" else f"=={version}"
    where = " in wheels" if component == "cuda_runtime" else ""
    return rule(
        id_,
        when={component: exactly, "forward_compatibility": "no"},
        must={"driver": f">={driver}"},
        code="RS204",
        statement=f"CUDA {name}{where} needs driver {driver} or newer",
        breaks="CUDA driver version is insufficient for CUDA runtime version",
        source=["release-notes"],
    )


def _capability_rules(version: str, patches: list[Row]) -> Iterator[str]:
    code = toolkit_code(patches[0]["supported_compute_capabilities"])
    low, high = dotted(code.native[0]), dotted(code.native[-1])
    yield rule(
        f"cuda-{version}/compute_capability",
        when={"cuda": version},
        must={"compute_capability": native_ranges(code)},
        code="RS205",
        statement=f"CUDA {version} compiles for compute capabilities {low} to {high}, and its "
        "libraries hold code for no other generation",
        breaks="nvcc fatal: Unsupported gpu architecture",
        source=["compiler-bounds"],
    )
    later = [k for k in KNOWN if code.runs_native(k) and k not in code.native]
    if Version(version) < Version("10.0"):
        later = [k for k in later if k != _TURING]  # refused by a rule of its own
    if not later:
        return
    yield rule(
        f"cuda-{version}/lower-minor",
        when={"cuda": version, "compute_capability": native_ranges(code)},
        must={"compute_capability": [f"=={dotted(n)}" for n in code.native]},
        code="RS224",
        statement=f"CUDA {version} is older than {{sm}}: the card runs code for a lower minor of "
        "its generation",
        severity="note",
        source=["compiler-bounds"],
    )


def _majors_of_gcc(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Minor releases whose patches agree on GCC; one that moved the bound counts by its patches."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["max_gcc"]:
            found.setdefault(minor(row["version"]), []).append(row)
    for version, patches in found.items():
        bounds = {row["max_gcc"].split(".")[0] for row in patches}
        if len(bounds) == 1:
            yield version, patches
        else:
            for row in patches:
                yield f"=={row['version']}", [row]


def _gcc_rules(version: str, patches: list[Row]) -> Iterator[str]:
    most, least = patches[0]["max_gcc"], patches[0]["min_gcc"]
    below = int(most.split(".")[0]) + 1
    name = version.removeprefix("==")
    if numbers(most) < (5,):
        # Before GCC 5 the second number was the major one.
        below_text = f"{numbers(most)[0]}.{numbers(most)[1] + 1}"
    else:
        below_text = str(below)
    from_ = f">={least}," if least else ""
    words = f" from {least} on and" if least else ""
    yield rule(
        f"cuda-{name}/gcc",
        when={"cuda": version},
        must={"gcc": f"{from_}<{below_text}"},
        code="RS215",
        statement=f"nvcc of CUDA {name} works with GCC{words} up to {most}",
        breaks="#error -- unsupported GNU version!",
        source=["compiler-bounds"],
    )
    yield rule(
        f"cuda-{name}/default_gcc",
        when={"cuda": version, "provider": ["nvidia", "runfile"]},
        must={"default_gcc": f"{from_}<{below_text}"},
        code="RS225",
        statement=f"nvcc of CUDA {name} works with GCC{words} up to {most}; the system's own is "
        "{value}: install an older one beside it and give it to nvcc with -ccbin",
        breaks="#error -- unsupported GNU version!",
        severity="warning",
        source=["compiler-bounds"],
    )


def _systems(patches: list[Row]) -> list[str]:
    images = [
        name
        for row in patches
        for column in ("ubuntu_images_published", "other_os_images_published")
        for name in row[column].split()
    ]
    systems = list(dict.fromkeys(_LONG_LIVED[name] for name in images if name in _LONG_LIVED))
    if systems and numbers(patches[0]["version"]) >= (11, 0):
        # Debian has a repository, but no image says from which toolkit on.
        systems.append("debian >=10")
    return systems


def _system_rule(version: str, systems: list[str]) -> str:
    ubuntu = [s.removeprefix("ubuntu ") for s in systems if s.startswith("ubuntu")]
    others = [s for s in systems if not s.startswith(("ubuntu", "debian"))]
    no_debian = "" if "debian >=10" in systems else " (and no Debian)"
    listed = ", ".join(others).replace("rhel", "RHEL").replace("centos", "CentOS")
    told = f"Ubuntu {', '.join(ubuntu)}" + (
        f", {listed.replace('rocky', 'Rocky')}" if listed else ""
    )
    return rule(
        f"cuda-{version}/os",
        when={"cuda": version, "provider": "nvidia"},
        must={"os": systems},
        code="RS216",
        statement=f"NVIDIA packaged CUDA {version} for {told}{no_debian}",
        breaks=f"E: Unable to locate package cuda-toolkit-{version.replace('.', '-')}",
        source=["images"],
        of="medium",
    )


def cudnn(facts: Path, sources: Sources) -> Iterator[str]:
    builds: dict[tuple[str, str], Row] = {}
    for row in read(facts, "cudnn"):
        builds[row["cuda_build"], row["cudnn_version"]] = row
    for build, version in list(builds):
        # `7.0.5` beside `7.0.5.15` is the same build, named less exactly.
        if any(b == build and v.startswith(f"{version}.") for b, v in builds):
            del builds[build, version]
    for (build, version), row in sorted(builds.items(), key=lambda kv: tuple(map(numbers, kv[0]))):
        yield _cudnn_build(build, version, row, sources)
    shipped = _shipped_beside(facts, builds)
    for build in sorted({build for build, _ in builds}, key=numbers):
        (goal,) = {_compatible(row) for (b, _), row in builds.items() if b == build}
        yield _cudnn_rule(build, goal, shipped.get(build, []))


def _cudnn_build(build: str, version: str, row: Row, sources: Sources) -> str:
    artifacts = []
    name = row["tarball_filename"]
    if name and row["sha256"]:
        artifacts = [(name, _cudnn_url(version, name), row["sha256"])]
    return release(
        f"{version}+cuda{build}",
        provides={"cudnn_cuda": build},
        artifacts=artifacts,
        figures={"apt_pin": row["apt_pin"]} if row["apt_pin"] else {},
        source=sources.of(row),
        of=row["confidence"],
    )


def _cudnn_url(version: str, name: str) -> str:
    if name.endswith(".tar.xz"):
        return (
            f"https://developer.download.nvidia.com/compute/cudnn/redist/cudnn/linux-x86_64/{name}"
        )
    short = ".".join(version.split(".")[:3])
    return f"https://developer.download.nvidia.com/compute/redist/cudnn/v{short}/{name}"


def _compatible(row: Row) -> str:
    """The CUDA a build works beside: a minor release, or from CUDA 11 on a whole major."""
    told, build = row["cuda_compatible"], row["cuda_build"]
    return build.split(".")[0] if ".x" in told or "all 11" in told else build


def _shipped_beside(facts: Path, builds: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The later minors that NVIDIA's images put a build beside, for want of one of their own."""
    made: dict[str, set[str]] = {}
    for build, version in builds:
        made.setdefault(version.split(".")[0], set()).add(build)
    found: dict[str, list[str]] = {}
    for row in read(facts, "base_images"):
        cuda, of_major = minor(row["cuda"]), made.get(row["cudnn_major"], set())
        serves = {build.split(".")[0] for build in of_major if "." not in build}
        # From CUDA 11 on a build is for its whole major.
        if not of_major or cuda in of_major or {cuda.split(".")[0]} & serves:
            continue
        older = [build for build in of_major if numbers(build) < numbers(cuda)]
        if older and numbers(cuda) < (11,):
            beside = found.setdefault(max(older, key=numbers), [])
            if cuda not in beside:
                beside.append(cuda)
    return found


def _cudnn_rule(build: str, goal: str, shipped: list[str]) -> str:
    told = f"CUDA {goal} only" if "." in goal else f"any CUDA {goal}.x and no other"
    if shipped:
        told = f"CUDA {goal} and {' and '.join(shipped)}, as NVIDIA shipped it"
    return rule(
        f"cudnn-cuda{build}/cuda",
        when={"cudnn_cuda": f"=={build}"},
        must={"cuda": [goal, *shipped] if shipped else goal},
        code="RS203",
        statement=f"a cuDNN built for CUDA {build} works beside {told}",
        breaks=f"libcublas.so.{goal}: cannot open shared object file",
        source=["spack", "issue-17422", *(["images"] if shipped else [])],
    )


def driver(facts: Path, sources: Sources) -> Iterator[str]:
    rows: dict[str, tuple[dict[str, str], str, list[str], str]] = {}
    branches = read(facts, "drivers")
    for row in branches:
        version = row["latest_version"]
        if version:
            figures = {
                "branch": row["branch"],
                "branch_type": row["branch_type"],
                "released": row["latest_release_date"],
                "max_cuda": row["max_cuda"].split()[0],
            }
            rows[version] = (figures, row["eol"], ["branches"], row["confidence"])
    ends = {row["branch"]: row["eol"] for row in branches if row["eol"]}
    for row in read(facts, "cuda_toolkits"):
        least = row["minor_compat_min_driver_linux"].split(" ")[0]
        for told in (row["min_driver_linux"], row["bundled_driver_in_runfile"], least):
            found = re.search(r"\d+(\.\d+)+", told)
            if found:
                branch = found[0].split(".")[0]
                known = ({"branch": branch}, ends.get(branch, ""), ["release-notes"], "high")
                rows.setdefault(found[0], known)
    for version, (figures, end, source, confidence) in sorted(
        rows.items(), key=lambda kv: numbers(kv[0])
    ):
        ended = [("end-of-life", end, f"branch {figures['branch']} gets no more fixes")]
        yield release(
            version,
            figures={key: value for key, value in figures.items() if value},
            availability=ended if full_day(end) else [],
            source=source,
            of=confidence,
        )
