"""A rig with driver and toolkit from a flat repository of the test."""

from __future__ import annotations

from pathlib import Path

from tests.lock.apt_rig import Box
from tests.lock.signed_archive import BASE, SignedArchive, package

SPEC = """\
rig = 1
name = "box"

[machine.box]
os = "{os}"
gpus = [{{ model = "GTX 1080 Ti" }}]
driver = "{driver}"

[cuda]
toolkit = "9.0"

[system]
packages = ["tool"]

[mirrors]
apt = "{archive}/{{distribution}}"
"""

PLACE = "/nvidia/compute/cuda/repos/ubuntu1604/x86_64"
KEY = f"{PLACE}/3bf863cc.pub"
TOOLS = tuple(package(name) for name in ("bzip2", "ca-certificates", "curl", "gnupg"))


def flat(name: str, version: str, **fields: str) -> str:
    return package(name, version, Filename=f"./{name}_{version}_amd64.deb", **fields)


def driver(version: str, branch: str = "465") -> tuple[str, ...]:
    """As NVIDIA packages one: its dependencies have lower bounds."""
    built = f"{version}-0ubuntu1"
    return (
        flat("cuda-drivers", f"{version}-1", Depends=f"cuda-drivers-{branch} (>= {version})"),
        flat(f"cuda-drivers-{branch}", f"{version}-1", Depends=f"nvidia-driver (>= {version})"),
        flat("nvidia-driver", built, Depends=f"libnvidia-gl (>= {version}), dkms, lib"),
        flat("libnvidia-gl", built),
    )


TOOLKIT = (
    flat(
        "cuda-toolkit-9-0",
        "9.0.176-1",
        Depends="cuda-compiler-9-0 (>= 9.0.176), cuda-nvprof-9-0 (>= 9.0.102), build-essential",
    ),
    flat("cuda-compiler-9-0", "9.0.176-1", Depends="libc6 (>= 2.15)"),
    flat("cuda-compiler-9-0", "9.0.176.4-1"),
    flat("cuda-nvprof-9-0", "9.0.102-1"),
    flat("cuda-nvprof-9-0", "9.0.252-1"),
)
# Beside that, what NVIDIA's list has: other machines' packages, a newer driver, a `tool`.
PACKAGES = (
    *driver("465.19.01"),
    *driver("465.24.02"),
    *driver("450.80.02", "450"),
    *TOOLKIT,
    flat("libnvidia-gl", "465.19.01-0ubuntu1", Architecture="i386", SHA256="1" * 64),
    flat("tool", "9.9"),
)


class NvidiaBox(Box):
    """The box, with the repository on the archive's server or where a test wants it."""

    @classmethod
    def made(cls, folder: Path, archive: SignedArchive) -> NvidiaBox:
        archive.publish(
            "bookworm",
            *BASE,
            *TOOLS,
            *(package("tool", Depends="lib"), package("lib")),
            *(package("dkms", Depends="build-essential"), package("build-essential")),
        )
        archive.publish_flat(PLACE, *PACKAGES, key=archive.keys.other)
        archive.files[KEY] = archive.keys.armored(archive.keys.other)
        return cls(folder, archive).wants()

    def wants(
        self, driver: str = "465.19.01", nvidia: str | None = "", os: str = "ubuntu 16.04"
    ) -> NvidiaBox:
        """``nvidia`` is the mirror, None for none; by default it is the archive's server."""
        text = SPEC.format(os=os, driver=driver, archive=self.archive.address)
        if nvidia is not None:
            text += f'nvidia = "{nvidia or self.archive.address + "/nvidia"}"\n'
        (self.folder / "rig.toml").write_text(text, encoding="utf-8")
        return self
