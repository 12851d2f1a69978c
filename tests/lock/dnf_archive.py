"""Dnf repositories of a test's own on loopback: lists of packages, and indexes that a key signs."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import quoteattr

from rigspec.lock.dnf.distribution import find_dnf_distribution
from rigspec.lock.model import LockedRepository
from rigspec.matrix.loader import load_matrix
from tests.lock.apt_rig import Box
from tests.lock.signed_archive import Keys, SignedArchive

BASEOS, APPSTREAM = "/rocky/9/BaseOS/x86_64/os", "/rocky/9/AppStream/x86_64/os"
KEY = "/rocky/RPM-GPG-KEY-Rocky-9"
_MOMENT = 1764000000

SPEC = """\
rig = 1
name = "box"

[machine.box]
os = "rocky 9"

[system]
packages = {packages}

[mirrors]
dnf = "{mirror}"
"""
_INDEX = """\
<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
<revision>{moment}</revision>
{lists}</repomd>
"""
_LIST = """\
<data type="{kind}"><checksum type="{digest}">{checksum}</checksum><location href="{path}"/>
<timestamp>{moment}</timestamp><size>{size}</size></data>
"""
_PACKAGES = """\
<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
{packages}</metadata>
"""
_FILES = """\
<?xml version="1.0" encoding="UTF-8"?>
<filelists xmlns="http://linux.duke.edu/metadata/filelists">{files}</filelists>
"""
_PACKAGE = """\
<package type="rpm"><name>{name}</name><arch>{arch}</arch>
<version epoch="{epoch}" ver="{version}" rel="{release}"/>
<checksum type="sha256" pkgid="YES">{sha256}</checksum>
<summary>s</summary><description>d</description>
<packager/><url/><time file="1" build="1"/><size package="{size}" installed="1" archive="1"/>
<location href="Packages/{name}-{version}-{release}.{arch}.rpm"/>
<format><rpm:provides>
<rpm:entry name="{name}" flags="EQ" epoch="{epoch}" ver="{version}" rel="{release}"/>
{provides}</rpm:provides><rpm:requires>{requires}</rpm:requires></format></package>
"""


def rpm(
    name: str,
    version: str = "1.0",
    *,
    needs: tuple[str, ...] = (),
    provides: tuple[str, ...] = (),
    arch: str = "x86_64",
    release: str = "1.el9",
) -> str:
    """A package of a list; the version may have an epoch."""
    epoch, _, plain = version.rpartition(":")
    entries = [
        "".join(f"<rpm:entry name={quoteattr(n)}/>" for n in names) for names in (needs, provides)
    ]
    return _PACKAGE.format(
        name=name,
        arch=arch,
        epoch=epoch or "0",
        version=plain,
        release=release,
        sha256=hashlib.sha256(f"{name} {version}".encode()).hexdigest(),
        size=len(name) + 1000,
        requires=entries[0],
        provides=entries[1],
    )


# What every system has: the image's curl, which is not the package `curl`.
BASE = (
    rpm("bash"),
    rpm("coreutils"),
    rpm("rocky-release"),
    rpm("curl-minimal", provides=("curl",)),
    rpm("dnf", needs=("curl", "bash")),
    rpm("bzip2", needs=("bash",)),
    rpm("ca-certificates"),
    rpm("tar"),
    rpm("openssh", "8.7p1"),
    rpm("openssh-server", "8.7p1", needs=("openssh", "bash")),
)
TOOLS = (rpm("tool", needs=("lib", "bash")), rpm("lib", "1:2.0"))


@dataclass
class DnfArchive:
    """BaseOS and AppStream on the server of an archive, signed by the archive's own key."""

    server: SignedArchive
    modules: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> Keys:
        return self.server.keys

    @property
    def mirror(self) -> str:
        return self.server.address

    def publish(
        self,
        root: str,
        *packages: str,
        key: str | None = "own",
        modules: str | None = None,
        digest: str = "sha256",
        files: str | None = None,
    ) -> None:
        """Make a repository hold these packages and no others; without a key it is unsigned."""
        found = {"primary": gzip.compress(_PACKAGES.format(packages="".join(packages)).encode())}
        if modules is not None:
            found["modules"] = gzip.compress(modules.encode())
        if files is not None:
            found["filelists"] = gzip.compress(_FILES.format(files=files).encode())
        names = {kind: f"repodata/{kind}.xml.gz" for kind in ("filelists", "primary")}
        names["modules"] = "repodata/modules.yaml.gz"
        lists = "".join(
            _LIST.format(
                kind=kind,
                digest=digest,
                checksum=hashlib.new(digest, data).hexdigest(),
                path=names[kind],
                moment=_MOMENT,
                size=len(data),
            )
            for kind, data in found.items()
        )
        index = _INDEX.format(moment=_MOMENT, lists=lists).encode()
        files = {f"{root}/{names[kind]}": data for kind, data in found.items()}
        files[f"{root}/repodata/repomd.xml"] = index
        self.server.files.pop(f"{root}/repodata/repomd.xml.asc", None)
        if key is not None:
            signer = getattr(self.keys, key)
            files[f"{root}/repodata/repomd.xml.asc"] = self.keys.sign_apart(index, signer)
        self.server.files |= files


class DnfBox(Box):
    """A rig with Rocky Linux, and rigspec run on it."""

    def asks(self, *packages: str, mirror: str | None = None, more: str = "") -> DnfBox:
        text = SPEC.format(packages=list(packages), mirror=mirror or self.archive.address)
        text = text.replace("'", '"').replace("[mirrors]", f"{more}\n[mirrors]")
        (self.folder / "rig.toml").write_text(text, encoding="utf-8")
        return self

    def leaves_mirrors(self) -> str:
        """Take the mirrors out of the rig, which gets an environment; return the rig without it."""
        spec = self.folder / "rig.toml"
        text = spec.read_text(encoding="utf-8").partition("[mirrors]")[0]
        spec.write_text(f'{text}[env.lab]\npython = "3.9"\n', encoding="utf-8")
        return text


def move(each: LockedRepository, keys: Keys) -> LockedRepository:
    """Return a repository with the key and the paths of the tests."""
    return replace(
        each,
        url=each.url.replace("/pub/", "/"),
        key_url=each.key_url.replace("/pub/", "/"),
        key_fingerprint=keys.own,
    )


def find_test_distribution(keys: Keys) -> Callable[..., object]:
    """Return the look-up of the distribution, with the key and the paths of the tests."""

    def find(matrix: object, os: str, arch: str) -> object:
        known = find_dnf_distribution(load_matrix(), os, arch)
        if known is None:
            return None
        return replace(
            known,
            repositories=tuple(move(each, keys) for each in known.repositories),
            driver_repositories=tuple(move(each, keys) for each in known.driver_repositories),
        )

    return find


def make_box(folder: Path, server: SignedArchive) -> tuple[DnfBox, DnfArchive]:
    """Return a rig that asks for `tool`, and its repositories."""
    archive = DnfArchive(server)
    archive.publish(BASEOS, *BASE)
    archive.publish(APPSTREAM, *TOOLS)
    server.files[KEY] = server.keys.armored(server.keys.own)
    return DnfBox(folder, server).asks("tool"), archive
