"""The downloads, repositories and packages that a resolved rig needs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rigspec.lock.errors import index_failure, report_failed_transfer
from rigspec.lock.model import LockedFile, Unpinned
from rigspec.lock.nvidia_repository import (
    has_repository,
    installs_toolkit_packages,
)
from rigspec.matrix.model import Artifact, Matrix, Release
from rigspec.resolution import Resolution
from rigspec.resolve.problem.base_image import find_toolkit_image
from rigspec.spec.models.rig import Rig

__all__ = [
    "INTERPRETER",
    "INTERPRETER_TABLES",
    "find_interpreter_archive",
    "find_release",
    "find_unpinned_interpreters",
    "find_unpinned_items",
    "get_file_name",
    "hash_url",
    "list_downloads",
    "list_interpreter_files",
]

_SYSTEM = "os"


def list_downloads(
    rig: Rig, resolution: Resolution, matrix: Matrix, previous: Collection[LockedFile] = ()
) -> Iterator[LockedFile]:
    """Yield every file the rig downloads. Raises LockError for one without a known hash.

    A file that was locked from an address before (``previous``) is not downloaded again.
    """
    if (
        resolution.cudnn is not None
        and resolution.cuda_provider is not None
        and "cudnn" not in find_toolkit_image(rig)
    ):
        yield from _cudnn(rig, resolution, matrix, previous)
    if _from_runfile(resolution):
        toolkit = find_release(matrix, "cuda", resolution.cuda or "")
        yield from _matrix_file(toolkit, "cuda", resolution.arch)
    for installer in sorted({env.installer for env in resolution.envs if env.installer}):
        found = find_release(matrix, "installer", installer)
        yield from _matrix_file(found, "installer", resolution.arch)
    yield from list_interpreter_files(rig, resolution, matrix)
    for name in sorted(rig.download):
        download = rig.download[name]
        yield _locked_download(download.url, download.sha256, f"download.{name}", previous)


def find_unpinned_items(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[Unpinned]:
    """Yield the items that the lock does not pin, with the reasons."""
    yield from find_unpinned_interpreters(rig, resolution, matrix)
    if installs_toolkit_packages(resolution) and not has_repository(resolution, matrix):
        why = f"no package repository is known for {resolution.os}; install it by hand"
        yield Unpinned(f"CUDA toolkit {resolution.cuda or ''}".strip(), why, part="cuda")
    if _from_runfile(resolution):
        toolkit = find_release(matrix, "cuda", resolution.cuda or "")
        if not toolkit.artifacts:
            why = "the matrix knows no address of its runfile; take another release or provider"
            yield Unpinned(f"CUDA toolkit {toolkit.version}", why, part="cuda")
    if resolution.cudnn is not None and _installs_cuda(resolution):
        url = getattr(rig.cuda.cudnn, "url", None) if rig.cuda is not None else None
        release = _cudnn_release(resolution, matrix)
        if url is None and release.find_artifact(resolution.arch) is None:
            why = "the matrix knows no address of its archive; name one in `cuda.cudnn.url`"
            yield Unpinned(f"cuDNN {resolution.cudnn}", why, part="cudnn")


def find_release(matrix: Matrix, product: str, label: str) -> Release:
    """Return the release that a resolution names.

    A system that the matrix does not have is one without properties.

    Raises:
        KeyError: The matrix does not have the release of another product.

    """
    for release in matrix.product(product).releases:
        if release.label == label:
            return release
    if product == _SYSTEM:
        family, _, version = label.partition(" ")
        return Release(product, family, version)
    raise KeyError(f"{product} {label}")


def _from_runfile(resolution: Resolution) -> bool:
    return resolution.cuda is not None and resolution.cuda_provider == "runfile"


def _installs_cuda(resolution: Resolution) -> bool:
    return installs_toolkit_packages(resolution) or _from_runfile(resolution)


def _cudnn(
    rig: Rig, resolution: Resolution, matrix: Matrix, previous: Collection[LockedFile]
) -> Iterator[LockedFile]:
    cudnn = rig.cuda.cudnn if rig.cuda is not None else None
    if cudnn is not None and not isinstance(cudnn, str) and cudnn.url is not None:
        yield _locked_download(cudnn.url, cudnn.sha256, "cudnn", previous)
        return
    yield from _matrix_file(_cudnn_release(resolution, matrix), "cudnn", resolution.arch)


def _cudnn_release(resolution: Resolution, matrix: Matrix) -> Release:
    return find_release(matrix, "cudnn", f"{resolution.cudnn}+cuda{resolution.cudnn_cuda}")


def _matrix_file(release: Release, part: str, arch: str) -> Iterator[LockedFile]:
    artifact = release.find_artifact(arch)
    if artifact is not None:
        yield LockedFile(
            name=artifact.name,
            url=artifact.url,
            sha256=artifact.sha256,
            pinned_by="matrix",
            size=artifact.size,
            part=part,
        )


def _locked_download(
    url: str, sha256: str | None, part: str, previous: Collection[LockedFile]
) -> LockedFile:
    name = get_file_name(url)
    if sha256 is not None:
        return LockedFile(name, url, sha256, "spec", part=part)
    for file in previous:
        if (file.part, file.url, file.pinned_by) == (part, url, "lock"):
            return file
    found, size = hash_url(url)
    return LockedFile(name, url, found, "lock", size=size, part=part)


# The `part` of such a download.
INTERPRETER = "interpreter"

# Where the matrix has the archives of an interpreter: pyenv builds it, uv unpacks it.
INTERPRETER_TABLES = {"pyenv": "python", "uv": "python-build"}


def list_interpreter_files(
    rig: Rig, resolution: Resolution, matrix: Matrix
) -> Iterator[LockedFile]:
    """Yield the archives of the interpreters that are built on the machine or unpacked there."""
    for kind in INTERPRETER_TABLES:
        for version in sorted(_versions(rig, resolution, kind)):
            file = find_interpreter_archive(matrix, kind, version, resolution.arch)
            if file is not None:
                yield LockedFile(file.name, file.url, file.sha256, "matrix", file.size, INTERPRETER)


def find_interpreter_archive(matrix: Matrix, kind: str, version: str, arch: str) -> Artifact | None:
    """Return the archive that an interpreter is built or unpacked from, if the matrix has it."""
    table = INTERPRETER_TABLES.get(kind)
    releases = matrix.product(table).releases if table is not None else ()
    found = (release.find_artifact(arch) for release in releases if release.version == version)
    return next((file for file in found if file is not None), None)


def find_unpinned_interpreters(
    rig: Rig, resolution: Resolution, matrix: Matrix
) -> Iterator[Unpinned]:
    """Yield the interpreters whose archive has no checksum in the matrix."""
    for kind in INTERPRETER_TABLES:
        for version in sorted(_versions(rig, resolution, kind)):
            if find_interpreter_archive(matrix, kind, version, resolution.arch) is None:
                why = "the matrix has no checksum of its archive"
                yield Unpinned(f"Python {version}", why, part=INTERPRETER)


def _versions(rig: Rig, resolution: Resolution, kind: str) -> set[str]:
    return {env.python for env in resolution.envs if env.interpreter == kind}


_BLOCK = 1 << 20
_ANSWER_S = 60.0


def hash_url(url: str) -> tuple[str, int]:
    """Return the sha256 and size in bytes of the file at an address. Raises LockError."""
    from rigspec.net.http import (
        WEB_ERRORS,
        create_web_client,
        describe_status,
        iter_body,
        stream_response,
    )

    name = get_file_name(url)
    try:
        if urlsplit(url).scheme == "file":
            with open(unquote(urlsplit(url).path), "rb") as file:
                return _sha256(iter(lambda: file.read(_BLOCK), b""))
        with create_web_client() as client, stream_response(client, url, _ANSWER_S) as response:
            if response.status_code != 200:
                raise index_failure(name, describe_status(response))
            sha256, size = _sha256(iter_body(response))
            stated = _digest_header(response.headers)
            if stated is not None and stated != sha256:
                why = "checksum mismatch with the server's own header"
                raise index_failure(name, why)
            return sha256, size
    except WEB_ERRORS as error:
        raise report_failed_transfer(name, error) from None
    except OSError as error:
        raise index_failure(name, error.strerror or "it cannot be read") from None


def get_file_name(url: str) -> str:
    """Return the name of the file at an address, without the query."""
    return Path(urlsplit(url).path).name


def _digest_header(headers: Mapping[str, str]) -> str | None:
    """Return the sha256 in a server's headers: RFC 9530, or RFC 3230 before it."""
    for name in ("Repr-Digest", "Digest"):
        found = re.search(r"(?:^|[,\s])sha-256=:?([A-Za-z0-9+/]{43}=)", headers.get(name, ""), re.I)
        if found is not None:
            return base64.b64decode(found[1]).hex()
    return None


def _sha256(blocks: Iterable[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
