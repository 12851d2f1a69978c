"""What in a spec would leave the machine open, or run what nobody has vouched for."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec

__all__ = ["security_advice"]

_EVERYWHERE = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - recognised, never bound

# NIST SP 800-131A Rev. 2, table 2: RSA keys under 2048 bits are disallowed for signatures.
_LEAST_RSA_BITS = 2048


def security_advice(spec: LoadedSpec) -> Iterator[Diagnostic]:
    """Unverified downloads, weak keys, and services open to every address."""
    yield from _downloads(spec)
    yield from _notebook(spec)
    yield from _monitoring(spec)


def _monitoring(spec: LoadedSpec) -> Iterator[Diagnostic]:
    watch = spec.rig.service.monitoring
    if watch is None:
        return
    path: KeyPath = ("service", "monitoring")
    listening = [("the exporter", (*path, "address"), watch.address)]
    if watch.prometheus_settings is not None:
        listening.append(
            ("Prometheus", (*path, "prometheus", "address"), watch.prometheus_settings.address),
        )
    for what, place, address in listening:
        if address in _EVERYWHERE:
            yield Diagnostic(
                code="RS405",
                severity=Severity.ERROR,
                message=f"{what} is open to every address without TLS and a password: whoever "
                "finds the port reads what this machine does",
                spans=(spec.document.span(place, label="every network interface"),),
                help=(
                    'keep `address = "127.0.0.1"` and reach it as `rigspec connect` says, or name '
                    "the address of a private network",
                ),
            )


def _downloads(spec: LoadedSpec) -> Iterator[Diagnostic]:
    rig = spec.rig
    fetched: list[tuple[KeyPath, str, str | None]] = [
        (("download", name, "url"), download.url, download.sha256)
        for name, download in sorted(rig.download.items())
    ]
    cudnn = rig.cuda.cudnn if rig.cuda is not None else None
    if cudnn is not None and not isinstance(cudnn, str) and cudnn.url is not None:
        fetched.append((("cuda", "cudnn", "url"), cudnn.url, cudnn.sha256))
    for path, url, sha256 in fetched:
        if sha256 is None:
            yield _unverified(spec, path, url)


def _unverified(spec: LoadedSpec, path: KeyPath, url: str) -> Diagnostic:
    if url.startswith("http://"):
        code, how = "RS401", "over plain http and without a checksum"
        label = "anybody on the way can change this file"
    else:
        code, how = "RS402", "without a checksum"
        label = "nothing says what these bytes should be"
    name = url.rsplit("/", 1)[-1]
    return Diagnostic(
        code=code,
        severity=Severity.WARNING,
        message=f"`{name}` is fetched {how}, and would be installed as root",
        spans=(spec.document.span(path, label=label),),
        help=('add `sha256 = "…"` beside the url, from a source you trust',),
    )


def _notebook(spec: LoadedSpec) -> Iterator[Diagnostic]:
    jupyter = spec.rig.service.jupyter
    if jupyter is None:
        return
    path: KeyPath = ("service", "jupyter")
    tls = jupyter.tls
    if not isinstance(tls, bool):
        kind, _, bits = tls.key.partition(":")
        if kind == "rsa" and int(bits) < _LEAST_RSA_BITS:
            yield Diagnostic(
                code="RS403",
                severity=Severity.WARNING,
                message=f"a {bits}-bit RSA certificate protects the notebook; it can be factored",
                spans=(spec.document.span((*path, "tls", "key"), label=f"{bits} bits"),),
                help=(f'ask for `key = "rsa:{_LEAST_RSA_BITS}"` or more, or for `tls = true`',),
            )
    if jupyter.address in _EVERYWHERE:
        yield _open_notebook(spec, (*path, "address"), bool(tls), jupyter.password is not None)


def _open_notebook(spec: LoadedSpec, path: KeyPath, tls: bool, password: bool) -> Diagnostic:
    missing = [name for name, there in (("TLS", tls), ("a password", password)) if not there]
    span = spec.document.span(path, label="every network interface")
    if missing:
        return Diagnostic(
            code="RS405",
            severity=Severity.ERROR,
            message=f"the notebook is open to every address without {' and '.join(missing)}: "
            "whoever finds the port runs code on this machine",
            spans=(span,),
            help=(
                'keep `address = "127.0.0.1"` and reach it through ssh, or set both `tls = true` '
                'and `password = { secret = "…" }`',
            ),
        )
    return Diagnostic(
        code="RS404",
        severity=Severity.WARNING,
        message="the notebook is open to every address; only its password stands before a shell",
        spans=(span,),
        help=(
            'keep `address = "127.0.0.1"` and reach it with '
            f"`ssh -L {spec.rig.service.jupyter.port if spec.rig.service.jupyter else 8888}"
            ":localhost:PORT`",
        ),
    )
