"""The digest of an image, from its registry: the OCI distribution API.

Whatever the registry says of a digest is held against the bytes that it sends.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, TypeVar
from urllib.request import parse_http_list, parse_keqv_list

import httpx2
import tomli
from pydantic import BaseModel, Field, ValidationError, model_validator

from rigspec.lock.credentials import login_for
from rigspec.lock.failures import index_failure
from rigspec.lock.web import BadTransfer, blocks, is_loopback, web_client
from rigspec.spec.image import ImageReference

__all__ = ["NoAnswer", "NoSuchImage", "OtherPlatform", "digest_of", "plain_registry"]

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# The least that the specification asks a registry to take, and more than any manifest has.
_LARGEST = 4 << 20
_MISSING = {"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"}


class NoAnswer(Exception):
    """The registry is down, or lets this user not in; the text says which."""


class NoSuchImage(Exception):
    """The registry answers, and does not have the image."""


class OtherPlatform(Exception):
    """The image is not for the machine; the text says for which platforms it is."""


def digest_of(image: ImageReference, arch: str) -> str:
    """The digest of what a reference names: of the index where the image has several platforms.

    Raises NoAnswer, NoSuchImage, OtherPlatform, and LockFailure where the registry sends something
    else than it promised.
    """
    with web_client() as client:
        registry = _Registry(client, image)
        data = registry.fetched("manifests", image.digest or image.tag or "latest", image.digest)
        manifest = registry.read(_Manifest, data)
        platforms = manifest.platforms()
        if manifest.config is not None:
            config = registry.fetched("blobs", manifest.config.digest, manifest.config.digest)
            platforms = [registry.read(_Platform, config).name]
    wanted = f"linux/{_known()['architecture'].get(arch, arch)}"
    if wanted not in platforms:
        raise OtherPlatform(f"there is no {wanted} in it, only {', '.join(platforms) or 'others'}")
    return _digest(data)


def plain_registry() -> str:
    """Where a name without a registry stands if the user says nothing else."""
    return str(_known()["plain"])


@lru_cache(maxsize=1)
def _known() -> Mapping[str, Any]:
    return tomli.loads((files("rigspec.lock") / "registries.toml").read_text(encoding="utf-8"))


class _Platform(BaseModel):
    """Also the configuration of an image, which begins with the same two fields."""

    os: str = ""
    architecture: str = ""

    @property
    def name(self) -> str:
        return f"{self.os}/{self.architecture}"


class _Entry(BaseModel):
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    platform: _Platform | None = None


class _Manifest(BaseModel):
    """An index, which has ``manifests``, or the manifest of one image, which has ``config``."""

    schemaVersion: Literal[2]  # noqa: N815 - the specification's name
    manifests: tuple[_Entry, ...] | None = None
    config: _Entry | None = None

    @model_validator(mode="after")
    def _names_something(self) -> _Manifest:
        if self.manifests is None and self.config is None:
            raise ValueError("neither an index nor an image")
        return self

    def platforms(self) -> list[str]:
        found = self.manifests or ()
        return [entry.platform.name for entry in found if entry.platform is not None]


_Read = TypeVar("_Read", bound=BaseModel)


class _Registry:
    """One repository of one registry, with the right to read it once that was asked for."""

    def __init__(self, client: httpx2.Client, image: ImageReference) -> None:
        host = image.host or plain_registry()
        known = _known()["registry"].get(host, {})
        alone = "/" not in image.path
        folder = f"{known['library']}/" if alone and "library" in known else ""
        address = known.get("address", host)
        scheme = "http" if is_loopback(address.partition(":")[0]) else "https"
        self._client = client
        self._image = image
        self._base = f"{scheme}://{address}/v2/{folder}{image.path}"
        self._login = login_for(host, f"https://{host}", known.get("login", host))
        self._right: str | None = None

    def fetched(self, kind: str, name: str, digest: str | None) -> bytes:
        """A manifest or blob, its bytes held against its digest."""
        data, headers = self._answer(f"{self._base}/{kind}/{name}")
        for promised in (digest, headers.get("Docker-Content-Digest")):
            if promised is not None and promised != _digest(data):
                raise self._failure(f"the bytes that came are not those of {promised}")
        return data

    def read(self, form: type[_Read], data: bytes) -> _Read:
        """What the bytes say, if they have the form. Raises LockFailure."""
        try:
            return form.model_validate_json(data)
        except ValidationError:
            raise self._failure("what came is not what a registry sends") from None

    def _answer(self, url: str) -> tuple[bytes, httpx2.Headers]:
        status, data, headers = self._sent(url, self._right)
        if status == 401 and self._right is None:
            self._right = self._permission(headers.get("WWW-Authenticate", ""))
            status, data, headers = self._sent(url, self._right)
        if status == 200:
            return data, headers
        if status == 404 and _codes(data) & _MISSING:
            raise NoSuchImage
        if status in (401, 403):
            raise NoAnswer(f"it lets nobody in without the right log-in (status {status})")
        raise NoAnswer(f"it answers with status {status}")

    def _permission(self, challenge: str) -> str | None:
        """The Authorization header that a registry asks for: a token's, or the log-in itself."""
        scheme, _, rest = challenge.partition(" ")
        asked = parse_keqv_list(parse_http_list(rest))
        login = httpx2.BasicAuth(*self._login) if self._login is not None else None
        if scheme.lower() == "basic" and login is not None:
            request = httpx2.Request("GET", self._base)
            return next(login.auth_flow(request)).headers["Authorization"]
        if scheme.lower() != "bearer" or "realm" not in asked:
            return None
        wanted = {key: asked[key] for key in asked.keys() & {"service", "scope"}}
        realm = httpx2.URL(asked["realm"]).copy_merge_params(wanted)
        if realm.scheme != "https" and not is_loopback(realm.host):
            raise NoAnswer("it asks for a log-in over plain http")
        status, data, _ = self._sent(str(realm), None, login)
        if status != 200:
            raise NoAnswer(f"its log-in answers with status {status}")
        return f"Bearer {self.read(_Token, data).value}"

    def _sent(
        self, url: str, right: str | None, login: httpx2.Auth | None = None
    ) -> tuple[int, bytes, httpx2.Headers]:
        headers = {"Accept": ", ".join(_MANIFESTS)}
        if right is not None:
            headers["Authorization"] = right
        answered = False
        try:
            with self._client.stream("GET", url, headers=headers, auth=login) as response:
                answered = True
                data = b""
                for block in blocks(response):
                    data += block
                    if len(data) > _LARGEST:
                        raise BadTransfer("it is larger than any manifest")
                return response.status_code, data, response.headers
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            words = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
            if answered or isinstance(error, BadTransfer):
                raise self._failure(words) from None
            raise NoAnswer(words) from None

    def _failure(self, why: str) -> Exception:
        return index_failure(f"the image {self._image}", why)


class _Token(BaseModel):
    token: str = ""
    access_token: str = ""

    @property
    def value(self) -> str:
        return self.token or self.access_token


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class _Problem(BaseModel):
    code: str = ""


class _Problems(BaseModel):
    errors: tuple[_Problem, ...] = ()


def _codes(data: bytes) -> set[str]:
    try:
        return {problem.code for problem in _Problems.model_validate_json(data).errors}
    except ValidationError:
        return set()
