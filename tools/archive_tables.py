"""The signed package archives of distributions as a table of the matrix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matrix_rows import Row, Sources, read, release

__all__ = ["archive"]


def archive(facts: Path, sources: Sources) -> Iterator[str]:
    """A row for each system whose archive's keys have a source."""
    for row in read(facts, "os_releases"):
        key = f"{row['os']} {row['version']}"
        if key in _KEYS:
            yield release(
                row["version"],
                family=row["os"],
                figures=dict(_figures(row, key)),
                source=[
                    f"{row['os']}-keys",
                    f"{row['os']}-snapshots",
                    *(["debian-cuda", "lifecycle"] if row["os"] == "debian" else []),
                    *(["pip-wheels"] if key in _AVOIDED else []),
                ],
            )


def _figures(row: Row, key: str) -> Iterator[tuple[str, str]]:
    for name, figure in _ARCHIVES[row["os"]].items():
        yield name, figure.format(codename=row["codename"])
    yield "codename", row["codename"]
    yield "components", _COMPONENTS.get(key, _COMPONENTS[row["os"]])
    yield "keys", " ".join(_KEYS[key])
    if key in _AVOIDED:
        yield "avoided", " ".join(_AVOIDED[key])
    if row["os"] == "debian" and row["extended_support_end"]:
        yield "promise", f"updates until {row['extended_support_end']}"


# `driver_packages` and `cuda_packages` are the distribution's own; `module_packages` and
# `library_packages` those of the driver in two halves, for the kernel and for programs; `cuda_home`
# and `nvcc` are where it puts the toolkit, `compiler` the command and package of a series of GCC.
_ARCHIVES: dict[str, dict[str, str]] = {
    "debian": {
        "origin": "Debian",
        "suites": "debian/{codename} debian/{codename}-updates debian-security/{codename}-security",
        "keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
        "keyring_package": "debian-archive-keyring",
        "snapshots_since": "2005-06",
        "driver_packages": "nvidia-driver",
        "module_packages": "nvidia-kernel-dkms",
        "library_packages": "libcuda1 nvidia-smi",
        "cuda_packages": "nvidia-cuda-toolkit",
        "cuda_home": "/usr/lib/cuda",
        "nvcc": "/usr/bin/nvcc",
        "compiler": "g++-{{series}}",
    },
    "ubuntu": {
        "origin": "Ubuntu",
        "suites": "ubuntu/{codename} ubuntu/{codename}-updates ubuntu/{codename}-security",
        "keyring": "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
        "keyring_package": "ubuntu-keyring",
        "snapshots_since": "2023-03-02",
        "promise": "snapshots of at least the last 2 years",
    },
}
_COMPONENTS = {
    "debian": "main contrib non-free non-free-firmware",
    "debian 11": "main contrib non-free",
    "ubuntu": "main restricted universe multiverse",
}

# Versions of packages that do not do what the release has them for: pip's wheels of Debian 11 seed
# the environments of its Python 2.7, which cannot read these.
_AVOIDED = {
    "debian 11": ("python-pip-whl=20.3.4-4+deb11u2", "python3-pip=20.3.4-4+deb11u2"),
}

# Primary keys: Debian's own of a release, its security archive's, and its release team's; a suite
# is signed with the keys of the release before or after it, too.
_BULLSEYE = ("1F89983E0081FDE018F3CC9673A4F27B8DD47936", "AC530D520F2F3269F5E98313A48449044AAD5C5D")
_BOOKWORM = ("B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8", "05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0")
_TRIXIE = ("04B54C3CDCA79751B16BC6B5225629DF75B188BD", "5E04A1E3223A19A20706E20F9904613D4CCE68C6")
_UBUNTU_2012 = "790BC7277767219C42C86F933B4FE6ACC0B21F32"
_UBUNTU_2018 = "F6ECB3762474EDA9D21B7022871920D1991BC93C"
_KEYS: dict[str, tuple[str, ...]] = {
    "debian 11": (*_BULLSEYE, "A4285295FC7B1A81600062A9605C66F00D6C9793", *_BOOKWORM),
    "debian 12": (*_BOOKWORM, "4D64FEC119C2029067D6E791F8D2585B8783D481", *_TRIXIE),
    "debian 13": (*_TRIXIE, "41587F7DB8C774BCCF131416762F67A0B2C39DE4", *_BOOKWORM),
    "ubuntu 16.04": (_UBUNTU_2012,),
    "ubuntu 18.04": (_UBUNTU_2012, _UBUNTU_2018),
    "ubuntu 20.04": (_UBUNTU_2012, _UBUNTU_2018),
    "ubuntu 22.04": (_UBUNTU_2018,),
    "ubuntu 24.04": (_UBUNTU_2018,),
    "ubuntu 26.04": (_UBUNTU_2018,),
}
