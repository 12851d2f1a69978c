"""The components of a bill of materials: everything of a lock that is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.component import Component, ComponentType
from packageurl import PackageURL

from rigspec.backend.documents.packages import (
    ChannelPackage,
    PythonPackage,
    list_conda_packages,
    list_python_packages,
)
from rigspec.lock.model import LockedEnv, LockedFile, LockedMachine, LockedPackage
from rigspec.plan.model import BaseImage, Plan
from rigspec.resolution import EnvResolution

__all__ = ["Entry", "list_entries"]


@dataclass(frozen=True)
class Entry:
    """A component and the references of those that it depends on."""

    component: Component
    depends: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """Return the reference of the component."""
        return str(self.component.bom_ref.value)


def list_entries(plan: Plan) -> Iterator[Entry]:
    """Yield a component for the system, the image, packages, downloads and environments."""
    locked, resolution = plan.locked, plan.resolution
    system, _, release = resolution.os.partition(" ")
    yield Entry(
        Component(
            name=system,
            version=release,
            type=ComponentType.OPERATING_SYSTEM,
            bom_ref=f"os:{resolution.os}",
            properties=[Property(name="rigspec:arch", value=resolution.arch)],
        )
    )
    yield Entry(_build_image(plan.base))
    yield from _list_system_packages(locked)
    files = {file.name: _build_file(file, locked) for file in locked.files}
    yield from (Entry(component) for component in files.values())
    resolutions = {env.name: env for env in resolution.envs}
    for env in locked.envs:
        yield from _list_environment(env, resolutions[env.name], files)


def _build_image(image: BaseImage) -> Component:
    path, _, tag = image.reference.rpartition(":")
    if not path or "/" in tag:
        path, tag = image.reference, ""
    digest = (image.digest or "").removeprefix("sha256:")
    qualifiers = {"repository_url": _name_with_registry(path), "tag": tag}
    return Component(
        name=path,
        version=tag or None,
        type=ComponentType.CONTAINER,
        bom_ref=f"image:{image.reference}",
        hashes=_hash(digest),
        purl=_purl("oci", path.rpartition("/")[2].lower(), image.digest, qualifiers),
        properties=_list_set({"rigspec:unpinned": image.unpinned_reason or ""}),
    )


def _name_with_registry(path: str) -> str:
    """Return the name of an image as a registry has it: `debian` is one of Docker's library."""
    first, slash, _ = path.partition("/")
    if not slash:
        return f"docker.io/library/{path}"
    is_host = first == "localhost" or "." in first or ":" in first
    return path if is_host else f"docker.io/{path}"


def _list_system_packages(locked: LockedMachine) -> Iterator[Entry]:
    """Yield the packages of apt or dnf.

    The lock knows the part (such as the driver) that needs a package. This is the dependency of
    one package if the part requests only one.
    """
    refs = {package.name: _get_system_ref(package) for package in locked.packages}
    needed: dict[str, list[str]] = {}
    for package in locked.packages:
        for part in package.needed_by:
            needed.setdefault(part, []).append(refs[package.name])
    parts = [package.part for package in locked.packages]
    for package in locked.packages:
        is_alone = parts.count(package.part) == 1
        depends = needed.get(package.part, ()) if is_alone else ()
        others = tuple(ref for ref in depends if ref != refs[package.name])
        yield Entry(_build_system_package(package, locked), others)


def _get_system_ref(package: LockedPackage) -> str:
    return f"{'deb' if package.arch is None else 'rpm'}:{package.name}"


def _build_system_package(package: LockedPackage, locked: LockedMachine) -> Component:
    system, _, release = locked.resolution.os.partition(" ")
    repository = next((each for each in locked.repositories if each.name == package.archive), None)
    file = (package.path or "").rpartition("/")[2].removesuffix(".deb")
    # The version of an rpm in a package URL has its epoch apart.
    kind = "deb" if package.arch is None else "rpm"
    epoch, _, rest = (package.version or "").rpartition(":")
    version = package.version if package.arch is None else rest
    qualifiers = {
        "arch": package.arch or file.rpartition("_")[2],
        "epoch": epoch if package.arch is not None else "",
        "distro": f"{system}-{release}",
        "repository_url": repository.url if repository is not None else "",
    }
    properties = {
        "rigspec:archive": package.archive or "",
        "rigspec:needed-by": ", ".join(package.needed_by),
        "rigspec:part": package.part,
        "rigspec:path": package.path or "",
    }
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=_get_system_ref(package),
        hashes=_hash(package.sha256),
        purl=_purl(kind, package.name, version, qualifiers, namespace=system),
        properties=_list_set(properties),
    )


def _build_file(file: LockedFile, locked: LockedMachine) -> Component:
    resolution = locked.resolution
    version = {"cuda": resolution.cuda, "cudnn": resolution.cudnn}.get(file.part)
    qualifiers = {"download_url": file.url, "checksum": f"sha256:{file.sha256}"}
    return Component(
        name=file.name,
        version=version,
        type=ComponentType.FILE,
        bom_ref=f"file:{file.part}/{file.name}",
        hashes=_hash(file.sha256),
        purl=_purl("generic", file.name, version, qualifiers),
        external_references=[_locate(file.url)],
        properties=_list_set({"rigspec:part": file.part, "rigspec:pinned-by": file.pinned_by}),
    )


def _list_environment(
    env: LockedEnv, resolution: EnvResolution, files: Mapping[str, Component]
) -> Iterator[Entry]:
    """Yield an environment, its interpreter, and its packages."""
    packages = [*_list_conda(env), *(_list_python(env))]
    interpreter = _build_interpreter(env, resolution)
    of_system = [f"deb:{name}" for name in env.interpreter.packages]
    file = files.get(env.interpreter.installer or "")
    of_file = [str(file.bom_ref.value)] if file is not None else []
    yield Entry(interpreter, (*of_system, *of_file))
    within = {ref for entry in packages for ref in entry.depends}
    direct = [entry.ref for entry in packages if entry.ref not in within]
    yield Entry(
        Component(
            name=env.name,
            type=ComponentType.APPLICATION,
            bom_ref=f"env:{env.name}",
            description=f"Python environment {env.name}",
        ),
        (str(interpreter.bom_ref.value), *direct),
    )
    yield from packages


def _build_interpreter(env: LockedEnv, resolution: EnvResolution) -> Component:
    return Component(
        name="python",
        version=resolution.python,
        type=ComponentType.PLATFORM,
        bom_ref=f"python:{env.name}",
        purl=_purl("generic", "python", resolution.python, {}),
        properties=_list_set(
            {
                "rigspec:installer": resolution.installer or "",
                "rigspec:interpreter": env.interpreter.kind,
            }
        ),
    )


def _list_python(env: LockedEnv) -> Iterator[Entry]:
    yield from (Entry(_build_python(env, each)) for each in list_python_packages(env))


def _build_python(env: LockedEnv, package: PythonPackage) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=f"pypi:{env.name}/{package.name}",
        hashes=[hash_ for each in package.sha256 for hash_ in _hash(each)],
        purl=_purl("pypi", package.name, package.version, {}),
        external_references=[_locate(package.url)] if package.url is not None else (),
        properties=_list_set(
            {"rigspec:environment": env.name, "rigspec:tool": "true" if package.is_tool else ""}
        ),
    )


def _list_conda(env: LockedEnv) -> Iterator[Entry]:
    packages = list_conda_packages(env)
    names = {package.name for package in packages}
    for package in packages:
        depends = tuple(
            f"conda:{env.name}/{name}" for name in sorted(package.depends) if name in names
        )
        yield Entry(_build_conda(env, package), depends)


def _build_conda(env: LockedEnv, package: ChannelPackage) -> Component:
    qualifiers = {
        "build": package.build,
        "channel": package.channel,
        "subdir": package.subdir,
        "type": package.archive,
    }
    md5 = [HashType(alg=HashAlgorithm.MD5, content=package.md5)] if package.md5 else []
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=f"conda:{env.name}/{package.name}",
        hashes=[*md5, *_hash(package.sha256)],
        purl=_purl("conda", package.name, package.version, qualifiers),
        external_references=[_locate(package.url)],
        properties=_list_set({"rigspec:environment": env.name}),
    )


def _purl(
    type_: str,
    name: str,
    version: str | None,
    qualifiers: Mapping[str, str],
    *,
    namespace: str | None = None,
) -> PackageURL:
    found: dict[str, Any] = {key: value for key, value in qualifiers.items() if value}
    return PackageURL(type_, namespace, name, version, found)


def _hash(sha256: str | None) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []


def _locate(url: str) -> ExternalReference:
    return ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(url))


def _list_set(properties: Mapping[str, str]) -> list[Property]:
    """Return the properties that have a value."""
    return [Property(name=name, value=value) for name, value in properties.items() if value]
