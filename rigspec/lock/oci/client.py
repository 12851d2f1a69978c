"""A registry of images: the OCI distribution API.

Every digest that the registry states is checked against the bytes that it sends.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.request import parse_http_list, parse_keqv_list

import httpx2
import tomli
from pydantic import BaseModel, ValidationError

from rigspec.lock.errors import index_failure
from rigspec.net.http import (
    WEB_ERRORS,
    BadTransfer,
    create_web_client,
    describe_error,
    is_loopback,
    iter_body,
    stream_response,
)
from rigspec.spec.image_reference import ImageReference

__all__ = [
    "FetchedManifest",
    "ImageNotFound",
    "Registry",
    "RegistryError",
    "Unreachable",
    "find_login",
    "get_default_registry",
    "get_platform",
    "open_registry",
]

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# The least that the specification asks a registry to take, and more than any manifest has.
_LARGEST = 4 << 20
_MISSING = {"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"}
# An unreachable registry should be reported soon.
_ANSWER_S = 8.0


class RegistryError(Exception):
    """The registry is down, or denies access; the text states which."""


class Unreachable(RegistryError):
    """The registry sent nothing."""


class ImageNotFound(Exception):
    """The registry answers, but does not have the image."""


@dataclass(frozen=True)
class FetchedManifest:
    """A manifest or a small blob, as downloaded."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """As every reference writes it: ``sha256:…``."""
        return _digest(hashlib.sha256(self.data))


_Form = TypeVar("_Form", bound=BaseModel)
_Taken = TypeVar("_Taken")


class Registry:
    """One repository of one registry, with the token to read it once that was requested.

    Its methods raise RegistryError, ImageNotFound, and LockError where the registry sends something
    else than it stated.
    """

    def __init__(self, client: httpx2.Client, image: ImageReference) -> None:
        host = image.host or get_default_registry()
        known = _load_registries()["registry"].get(host, {})
        alone = "/" not in image.path
        folder = f"{known['library']}/" if alone and "library" in known else ""
        address = known.get("address", host)
        scheme = "http" if is_loopback(address.partition(":")[0]) else "https"
        self._client = client
        self._image = image
        self._base = f"{scheme}://{address}/v2/{folder}{image.path}"
        self._login = find_login(host, f"https://{host}", known.get("login", host))
        self._right: str | None = None

    def manifest(self, name: str, digest: str | None = None) -> FetchedManifest:
        """Return a manifest by its tag or digest, checked against ``digest`` where one is given."""
        return self._small(f"{self._base}/manifests/{name}", digest)

    def small_blob(self, digest: str) -> FetchedManifest:
        """Return a blob that fits in memory: the configuration of an image."""
        return self._small(f"{self._base}/blobs/{digest}", digest)

    def write_blob(self, digest: str, size: int, file: BinaryIO) -> None:
        """Write a blob. The file is valid only if nothing is raised."""

        def take(response: httpx2.Response) -> None:
            found, came = hashlib.sha256(), 0
            for block in iter_body(response):
                found.update(block)
                file.write(block)
                came += len(block)
                if came > size:
                    raise BadTransfer(f"received more than the {size} bytes of {digest}")
            self._hold(digest, _digest(found))

        self._request(f"{self._base}/blobs/{digest}", take)

    def read(self, form: type[_Form], received: FetchedManifest) -> _Form:
        """Return the parsed bytes. Raises LockError."""
        try:
            return form.model_validate_json(received.data)
        except ValidationError:
            raise self.failure("the response is not valid") from None

    def failure(self, why: str) -> Exception:
        """Return the LockError of a registry that sends wrong data."""
        return index_failure(f"the image {self._image}", why)

    def _small(self, url: str, digest: str | None) -> FetchedManifest:
        data, headers = self._request(url, _read_limited)
        received = FetchedManifest(data, headers.get("Content-Type", "").partition(";")[0].strip())
        for promised in (digest, headers.get("Docker-Content-Digest")):
            self._hold(promised, received.digest)
        return received

    def _hold(self, promised: str | None, found: str) -> None:
        if promised is not None and promised != found:
            raise self.failure(f"digest mismatch: expected {promised}")

    def _request(self, url: str, take: Callable[[httpx2.Response], _Taken]) -> _Taken:
        """Return the result of ``take`` on the answer, after a login if one is required."""
        with self._open(url, self._right) as response:
            if response.status_code != 401 or self._right is not None:
                return self._accept(response, take)
            challenge = response.headers.get("WWW-Authenticate", "")
        self._right = self._permission(challenge)
        with self._open(url, self._right) as response:
            return self._accept(response, take)

    def _accept(
        self, response: httpx2.Response, take: Callable[[httpx2.Response], _Taken]
    ) -> _Taken:
        status = response.status_code
        if status == 200:
            return take(response)
        if status == 404 and _codes(_read_limited(response)[0]) & _MISSING:
            raise ImageNotFound
        if status in (401, 403):
            raise RegistryError(f"authentication required (HTTP {status}); run `docker login`")
        raise RegistryError(f"HTTP status {status}")

    def _permission(self, challenge: str) -> str | None:
        """Return the Authorization header that a registry requires: a token, or the login."""
        scheme, _, rest = challenge.partition(" ")
        requested = parse_keqv_list(parse_http_list(rest)) if "=" in rest else {}
        login = httpx2.BasicAuth(*self._login) if self._login is not None else None
        if scheme.lower() == "basic" and login is not None:
            request = httpx2.Request("GET", self._base)
            return next(login.auth_flow(request)).headers["Authorization"]
        if scheme.lower() != "bearer" or "realm" not in requested:
            return None
        wanted = {key: requested[key] for key in requested.keys() & {"service", "scope"}}
        realm = httpx2.URL(requested["realm"]).copy_merge_params(wanted)
        if realm.scheme != "https" and not is_loopback(realm.host):
            raise RegistryError("it requires a login over plain HTTP")
        with self._open(str(realm), None, login) as response:
            if response.status_code != 200:
                raise RegistryError(f"its login returned HTTP status {response.status_code}")
            token = FetchedManifest(_read_limited(response)[0], "")
        return f"Bearer {self.read(_Token, token).value}"

    @contextmanager
    def _open(
        self, url: str, right: str | None, login: httpx2.Auth | None = None
    ) -> Iterator[httpx2.Response]:
        headers = {"Accept": ", ".join(_MANIFESTS)}
        if right is not None:
            headers["Authorization"] = right
        answered = False
        try:
            with stream_response(self._client, url, _ANSWER_S, headers, login) as response:
                answered = True
                yield response
        except WEB_ERRORS as error:
            if answered or isinstance(error, BadTransfer):
                raise self.failure(describe_error(error)) from None
            raise Unreachable(describe_error(error)) from None


@contextmanager
def open_registry(image: ImageReference) -> Iterator[Registry]:
    """Yield the registry that a reference names, or the default one."""
    with create_web_client() as client:
        yield Registry(client, image)


def get_default_registry() -> str:
    """Return the registry of names without one, if the user sets nothing else."""
    return str(_load_registries()["plain"])


def get_platform(arch: str) -> str:
    """Return a machine's processor as the platform of an image."""
    return f"linux/{_load_registries()['architecture'].get(arch, arch)}"


@lru_cache(maxsize=1)
def _load_registries() -> Mapping[str, Any]:
    return tomli.loads((files("rigspec.lock.oci") / "registries.toml").read_text(encoding="utf-8"))


def _read_limited(response: httpx2.Response) -> tuple[bytes, httpx2.Headers]:
    data = b""
    for block in iter_body(response):
        data += block
        if len(data) > _LARGEST:
            raise BadTransfer("it is larger than any manifest")
    return data, response.headers


def _digest(found: hashlib._Hash) -> str:
    return f"sha256:{found.hexdigest()}"


class _Token(BaseModel):
    token: str = ""
    access_token: str = ""

    @property
    def value(self) -> str:
        return self.token or self.access_token


class _Problem(BaseModel):
    code: str = ""


class _Problems(BaseModel):
    errors: tuple[_Problem, ...] = ()


def _codes(data: bytes) -> set[str]:
    try:
        return {problem.code for problem in _Problems.model_validate_json(data).errors}
    except ValidationError:
        return set()


def find_login(*names: str) -> tuple[str, str] | None:
    """Return user and password of the first of the names that has any.

    A login stored by a helper program is not read. An unreadable file is an empty one.
    """
    folder = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    try:
        stored = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
        found = next(stored["auths"][name] for name in names if stored["auths"].get(name))
        user, _, password = base64.b64decode(found["auth"], validate=True).decode().partition(":")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None
    return (user, password) if user and password else None
