"""Operating systems, interpreters, installers and base images as tables of the matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import tomli
from matrix_rows import Row, Sources, full_day, minor, read, release, rule
from service_figures import SERVICES, service_sources

__all__ = ["image_tables", "installer", "os", "python"]

_TOOLS = Path(__file__).resolve().parent / "overlay" / "python_tools.toml"
_TITLES = {"ubuntu": "Ubuntu", "debian": "Debian", "rhel": "RHEL", "centos": "CentOS"}


def os(facts: Path, sources: Sources) -> Iterator[str]:
    for row in read(facts, "os_releases"):
        glibc = row["glibc"] or _LEAST_GLIBC.get(f"{row['os']} {row['version']}", "")
        if not glibc:
            continue  # nothing can be said of wheels on a system whose C library nobody names
        name = f"{_TITLES.get(row['os'], row['os'].title())} {row['version']}"
        key = f"{row['os']} {row['version']}"
        gcc = re.match(r"\d+(\.\d+)+", row["default_gcc"])
        provides = {"glibc": glibc}
        gcc_version = gcc[0] if gcc else _GCC.get(key, "")
        if gcc_version:
            provides["default_gcc"] = f"=={gcc_version}"
        yield _system(row, key, name, provides, sources)
        yield _system_python(row, name)
        if not row["nvidia_repo_slug"] and key not in _SLUGS:
            yield rule(
                f"{row['os']}-{row['version']}/provider",
                when={"os": key, "accelerator": "gpu"},
                must={"provider": ["runfile", "debian", "conda", "wheels", "image"]},
                code="RS216",
                statement=f"no source names a package repository of NVIDIA's for {name}",
                breaks="E: The repository does not have a Release file.",
                source=["lifecycle"],
                of="low",
            )


def _system(row: Row, key: str, name: str, provides: Mapping[str, str], sources: Sources) -> str:
    figures = {
        "codename": row["codename"],
        "nvidia_slug": row["nvidia_repo_slug"] or _SLUGS.get(key, ""),
        "signing_key": row["signing_key_id"],
        "kernel": row["kernel"],
        **_PACKAGES.get(key, {}),
        **SERVICES.get(key, {}),
    }
    return release(
        row["version"],
        family=row["os"],
        provides=provides,
        availability=_ended(row, name),
        told_by={"end-of-life": ["lifecycle"]} if _ended(row, name) else None,
        figures={key: value for key, value in figures.items() if value},
        source=[
            *(s for s in sources.of(row) if s in ("lifecycle", "glibc")),
            *(["guide"] if row["default_gcc"] else []),
            *(["debian"] if key in _GCC else []),
            *(["debian12-repository"] if key in _SLUGS else []),
            *(["openssh"] if "ssh_unit" in figures else []),
            *service_sources(key),
        ],
        of=row["confidence"],
    )


def _ended(row: Row, name: str) -> list[tuple[str, str, str]]:
    if row["extended_support_end"] and row["os"] == "debian":
        if row["eol"] < "2026-11-21" <= row["extended_support_end"]:
            reason = f"{name} is kept by the LTS team only, until {row['extended_support_end']}"
            return [("end-of-life", row["eol"], reason)]
        if row["extended_support_end"] < "2026-11-21":
            reason = f"{name} gets no more updates, its LTS included"
            return [("end-of-life", row["extended_support_end"], reason)]
    ended = [("end-of-life", row["eol"], f"{name} gets no more public updates")]
    return ended if full_day(row["eol"]) else []


def _system_python(row: Row, name: str) -> str:
    """What ``interpreter = "system"`` can mean; nothing, where no source says so."""
    key = f"{row['os']} {row['version']}"
    pythons, statement, source = _PYTHONS.get(key, ([], "", []))
    if pythons:
        return rule(
            f"{row['os']}-{row['version']}/python",
            when={"os": key, "interpreter": "system"},
            must={"python": [f"=={version}" for version in pythons]},
            code="RS213",
            statement=statement,
            breaks="E: Unable to locate package",
            source=source,
            of="high" if "debian" in source else "medium",
        )
    return rule(
        f"{row['os']}-{row['version']}/python",
        when={"os": key},
        must={"interpreter": ["conda", "pyenv", "uv"]},
        code="RS213",
        statement=f"no source says which Python {name} packages; let another bring it",
        breaks="E: Unable to locate package",
        source=["lifecycle"],
        of="low",
    )


def python(facts: Path, sources: Sources) -> Iterator[str]:
    for row in read(facts, "python_interpreters"):
        yield from _interpreter(row, sources)


def _interpreter(row: Row, sources: Sources) -> Iterator[str]:
    series, name = row["python"], row["source_txz"]
    # The newest patch release is taken where its archive has a checksum, else the one that has.
    packed = re.match(r"Python-(.+)\.tar\.xz", name)
    version = packed[1] if packed else row["last_patch"]
    artifacts = []
    if packed:
        url = f"https://www.python.org/ftp/python/{version}/{name}"
        artifacts = [(name, url, row["source_txz_sha256"])]
    figures = {"series": series, "openssl": row["openssl"], "newest_patch": row["last_patch"]}
    found = re.match(r"\d+(\.\d+)+", row["last_virtualenv_creating_it"])
    if found:
        figures["last_virtualenv"] = found[0]
    for tool, last in tomli.loads(_TOOLS.read_text(encoding="utf-8")).items():
        figures[f"last_{tool}"] = last[series]
    yield release(
        version,
        artifacts=artifacts,
        figures={key: value for key, value in figures.items() if value},
        availability=[("end-of-life", row["eol"], f"Python {series} gets no more fixes")],
        told_by={"end-of-life": sources.of(row)},
        source=[*sources.of(row), "tools"],
        of=row["confidence"],
    )
    last = row["last_pip"]
    if re.fullmatch(r"\d+(\.\d+)+", last):
        yield rule(
            f"python-{series}/pip",
            when={"python": series},
            must={"pip": f"<={last}"},
            code="RS208",
            statement=f"pip {last} is the last that runs on Python {series}",
            breaks="SyntaxError: invalid syntax (in pip's own code)",
            source=["get-pip"],
        )


def installer(facts: Path, sources: Sources) -> Iterator[str]:
    """Installers whose Python a source names: without it nothing can be said of them."""
    for row in read(facts, "installers"):
        brought, source = _BROUGHT.get(
            (row["installer"], row["version"]),
            (f"=={row['bundled_python']}" if row["bundled_python"] else "", ""),
        )
        if not brought or not row["sha256"] or not re.match(r"\d", row["version"]):
            continue
        name = row["filename"]
        folder = "miniconda" if name.startswith("Miniconda") else "archive"
        tagged = re.match(r"(Miniconda3-py\d+)_", name)
        yield release(
            row["version"],
            family=tagged[1] if tagged else row["installer"],
            provides={"python": brought},
            artifacts=[(name, f"https://repo.anaconda.com/{folder}/{name}", row["sha256"])],
            source=[*sources.of(row), *([source] if source else [])],
            of=row["confidence"],
        )


def image_tables(facts: Path, sources: Sources, head: str) -> Iterator[tuple[str, str]]:
    """One table for each minor release of CUDA: its name, and its text."""
    shards: dict[str, list[Row]] = {}
    for row in read(facts, "base_images"):
        shards.setdefault(minor(row["cuda"]), []).append(row)
    for version, rows in sorted(shards.items()):
        yield version, head + "\n" + "\n".join(_image(row, sources) for row in rows)


def _image(row: Row, sources: Sources) -> str:
    gone = {
        "removed_from_docs": (
            "deleted",
            "NVIDIA took the tag from its lists; it deletes tags six "
            "months after their end of life",
        ),
        "eol_still_listed": (
            "end-of-life",
            "NVIDIA lists the tag as unsupported and deletes such tags after six months",
        ),
        "listed_as_supported_but_sources_eol": (
            "end-of-life",
            "NVIDIA still lists the tag, and moved its sources to the ended ones",
        ),
    }
    status = gone.get(row["status_2025_08"])
    figures = {
        "image": row["image"],
        "flavour": row["flavour"],
        "os": row["os"],
        "cudnn": row["cudnn_version"] or row["cudnn_major"],
        "last_listed": row["last_listed"],
        "digest": row["digest"],
    }
    provides = {"cuda": row["cuda"]}
    if row["cudnn_version"]:
        provides["cudnn"] = row["cudnn_version"]
    elif row["cudnn_major"]:
        provides["cudnn"] = row["cudnn_major"]
    return release(
        row["tag"],
        provides=provides,
        availability=[(status[0], row["last_listed"], status[1])] if status else [],
        figures={key: value for key, value in figures.items() if value},
        source=sources.of(row),
        of=row["confidence"],
    )


# Installer -> the Python it brings (`==3.6`: the patch release is not sourced), and the source.
_BROUGHT = {
    ("Anaconda3", "5.0.0"): ("==3.6", "anaconda-5.0"),
    ("Anaconda3", "5.0.0.1"): ("==3.6", "anaconda-5.0"),
    ("Anaconda3", "5.0.1"): ("==3.6", "anaconda-5.0"),
    ("Anaconda3", "5.2.0"): ("3.6.5", "anaconda-5.2"),
    ("Anaconda3", "2021.11"): ("3.9.7", "anaconda-notes"),
    ("Anaconda3", "2023.09-0"): ("3.11.5", "anaconda-notes"),
    ("Anaconda3", "2025.12-2"): ("3.13.9", "anaconda-notes"),
}

# A release that has none in the facts has at least that of the one before it.
_LEAST_GLIBC = {"ubuntu 26.04": ">=2.42"}

# The compiler that the package gcc brings, read from the distribution's index.
_GCC = {"debian 11": "10.2.1", "debian 13": "14.2.0"}

_SLUGS = {"debian 12": "debian12"}

# The secure shell's server: its package and unit; where a rig's settings go, and whether these are
# directives of sshd_config(5) or the options that the unit gives to sshd. A folder of directives
# that the package's own settings include is there since OpenSSH 8.2.
_SSH = {"ssh_packages": "openssh-server", "ssh_unit": "ssh.service"}
_SSH_OPTIONS = {**_SSH, "ssh_settings": "/etc/default/ssh", "ssh_form": "options"}
_SSH_DIRECTIVES = {
    **_SSH,
    "ssh_settings": "/etc/ssh/sshd_config.d/00-rig.conf",
    "ssh_form": "directives",
}
# What the plan installs for a system's own Python.
_BOTH = {
    "python2_packages": "python2.7 virtualenv",
    "python3_packages": "python3 python3-venv",
}
_THREE = {"python3_packages": "python3 python3-venv"}
_PACKAGES = {
    "ubuntu 14.04": {
        "python2_packages": "python2.7 python-virtualenv",
        "python3_packages": "python3 python3.4-venv",
    },
    "ubuntu 16.04": {**_BOTH, **_SSH_OPTIONS},
    "ubuntu 18.04": {**_BOTH, **_SSH_OPTIONS},
    "ubuntu 20.04": {**_BOTH, **_SSH_DIRECTIVES},
    "ubuntu 22.04": {**_BOTH, **_SSH_DIRECTIVES},
    "ubuntu 24.04": _THREE,
    "debian 11": {**_BOTH, **_SSH_DIRECTIVES},
    "debian 12": {**_THREE, **_SSH_DIRECTIVES},
    "debian 13": {**_THREE, **_SSH_DIRECTIVES},
}

# The system's own Pythons; `3.5` is a 3.5 whose patch release is not sourced.
_PYTHONS: dict[str, tuple[list[str], str, list[str]]] = {
    "ubuntu 14.04": (["2.7", "3.4"], "Ubuntu 14.04 packages Python 2.7 and 3.4", ["gists"]),
    "ubuntu 16.04": (["2.7", "3.5"], "Ubuntu 16.04 packages Python 2.7 and 3.5", ["deadsnakes"]),
    "ubuntu 18.04": (
        ["2.7", "3.6.9"],
        "Ubuntu 18.04 packages Python 2.7 and 3.6.9",
        ["deadsnakes", "gists"],
    ),
    "ubuntu 20.04": (["2.7", "3.8"], "Ubuntu 20.04 packages Python 2.7 and 3.8", ["deadsnakes"]),
    "ubuntu 22.04": (["2.7", "3.10"], "Ubuntu 22.04 packages Python 2.7 and 3.10", ["deadsnakes"]),
    "ubuntu 24.04": (["3.12"], "Ubuntu 24.04 packages Python 3.12 and no Python 2", ["deadsnakes"]),
    "debian 8": (["2.7", "3.4"], "Debian 8 packages Python 2.7 and 3.4", ["debian-wiki"]),
    "debian 9": (["2.7", "3.5"], "Debian 9 packages Python 2.7 and 3.5", ["debian-wiki"]),
    "debian 10": (["2.7", "3.7"], "Debian 10 packages Python 2.7 and 3.7", ["debian-wiki"]),
    "debian 11": (["2.7.18", "3.9.2"], "Debian 11 packages Python 2.7.18 and 3.9.2", ["debian"]),
    "debian 12": (["3.11.2"], "Debian 12 packages Python 3.11.2 and no Python 2", ["debian"]),
    "debian 13": (["3.13.5"], "Debian 13 packages Python 3.13.5 and no Python 2", ["debian"]),
    **{
        f"{family} {version}": (pythons, f"{name} {version} packages Python {told}", sources)
        for family, name in (("rhel", "RHEL"), ("rocky", "Rocky Linux"))
        for version, pythons, told, sources in (
            ("8", ["3.6", "3.12"], "3.6 and 3.12", ["red-hat"]),
            ("9", ["3.9", "3.11", "3.12"], "3.9, 3.11 and 3.12", ["red-hat-9", "red-hat"]),
            ("10", ["3.12"], "3.12", ["red-hat"]),
        )
    },
}
