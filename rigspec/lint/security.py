"""Lint security: open services, weak keys, unverified downloads, and what opens the system."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import urlsplit

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec

__all__ = ["lint_security"]

_EVERYWHERE = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - recognised, never bound

# NIST SP 800-131A Rev. 2, table 2: RSA keys under 2048 bits are disallowed for signatures.
_MIN_RSA_BITS = 2048

# Folders of the system's own packages and of the kernel (Filesystem Hierarchy Standard 3.0).
_SYSTEM_FOLDERS = (
    *("bin", "boot", "dev", "lib", "lib32", "lib64"),
    *("proc", "run", "sbin", "sys", "usr"),
)
_LOCAL_FOLDERS = ("/usr/local/", "/usr/src/")

# kernel-command-line(7), dracut.cmdline(7) and systemd-debug-generator(8): a shell of root on the
# console, or another first process.
_ROOT_SHELLS = frozenset(
    {
        "emergency",
        "init",
        "rd.break",
        "rd.emergency",
        "rd.shell",
        "rd.systemd.debug-shell",
        "rdinit",
        "rescue",
        "single",
        "systemd.debug-shell",
        "systemd.debug_shell",
        "systemd.run",
    }
)


def lint_security(spec: LoadedSpec, machine: str | None) -> Iterator[Diagnostic]:
    """Report unverified downloads, weak keys, open services, and what gives root away."""
    yield from _lint_downloads(spec)
    yield from _lint_indexes(spec)
    yield from _lint_destinations(spec)
    if machine is not None:
        yield from _lint_kernel_arguments(spec, machine)
    yield from _lint_notebook(spec)
    yield from _lint_monitoring(spec)
    yield from _lint_programs(spec)


def _lint_programs(spec: LoadedSpec) -> Iterator[Diagnostic]:
    for name, program in spec.rig.service.program.items():
        if program.port is not None and program.address in _EVERYWHERE:
            path: KeyPath = ("service", "program", name, "address")
            yield Diagnostic(
                code="RS405",
                severity=Severity.WARNING,
                message=f"the program {name} listens on all interfaces: without a key, "
                f"anyone who can reach port {program.port} can use it",
                spans=(spec.document.span(path, label="all interfaces"),),
                help=('listen on "127.0.0.1" and use the tunnel of `rigspec connect`',),
            )


def _lint_monitoring(spec: LoadedSpec) -> Iterator[Diagnostic]:
    watch = spec.rig.service.monitoring
    if watch is None:
        return
    path: KeyPath = ("service", "monitoring")
    listening = [("the exporter", (*path, "address"), watch.address)]
    if watch.prometheus_settings is not None:
        listening.append(
            ("Prometheus", (*path, "prometheus", "address"), watch.prometheus_settings.address),
        )
    for program, address_path, address in listening:
        if address in _EVERYWHERE:
            yield Diagnostic(
                code="RS405",
                severity=Severity.ERROR,
                message=f"{program} listens on all interfaces without TLS and a password: anyone "
                "who can reach the port can read the metrics of this machine",
                spans=(spec.document.span(address_path, label="all interfaces"),),
                help=(
                    'set `address = "127.0.0.1"` and use the tunnel of `rigspec connect`, or the '
                    "address of a private network",
                ),
            )


def _lint_downloads(spec: LoadedSpec) -> Iterator[Diagnostic]:
    rig = spec.rig
    downloads: list[tuple[KeyPath, str, str | None]] = [
        (("download", name, "url"), download.url, download.sha256)
        for name, download in sorted(rig.download.items())
    ]
    cudnn = rig.cuda.cudnn if rig.cuda is not None else None
    if cudnn is not None and not isinstance(cudnn, str) and cudnn.url is not None:
        downloads.append((("cuda", "cudnn", "url"), cudnn.url, cudnn.sha256))
    for path, url, sha256 in downloads:
        if sha256 is None:
            yield _build_unverified_download(spec, path, url)


def _lint_indexes(spec: LoadedSpec) -> Iterator[Diagnostic]:
    for name, index in spec.rig.index.items():
        if not index.url.startswith("http://") or _is_loopback(index.url):
            continue
        path: KeyPath = ("index", name, "url")
        yield Diagnostic(
            code="RS401",
            severity=Severity.WARNING,
            message=f"the index `{name}` uses plain HTTP, so that anyone on the network can change "
            "its packages: `rigspec lock` refuses it",
            spans=(spec.document.span(path, label="not protected against tampering"),),
            help=(f'set `url` to "https{index.url.removeprefix("http")}"',),
        )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _lint_destinations(spec: LoadedSpec) -> Iterator[Diagnostic]:
    for name, download in sorted(spec.rig.download.items()):
        to = posixpath.normpath(download.to)
        if to.split("/")[1] not in _SYSTEM_FOLDERS or to.startswith(_LOCAL_FOLDERS):
            continue
        yield Diagnostic(
            code="RS410",
            severity=Severity.ERROR,
            message=f"`{to}` belongs to the operating system: the download would replace or "
            "disturb its files",
            spans=(spec.document.span(("download", name, "to"), label="a system folder"),),
            help=("set `to` to a path in /usr/local, /opt or /srv",),
        )


def _lint_kernel_arguments(spec: LoadedSpec, machine: str) -> Iterator[Diagnostic]:
    for index, argument in enumerate(spec.rig.machine[machine].kernel_args):
        if argument.partition("=")[0] not in _ROOT_SHELLS:
            continue
        path: KeyPath = ("machine", machine, "kernel_args", index)
        yield Diagnostic(
            code="RS411",
            severity=Severity.ERROR,
            message=f"the kernel argument `{argument}` starts a root shell without a "
            "password, or another program than the system's first",
            spans=(spec.document.span(path, label="opens the machine"),),
            help=("remove it, and add it by hand for one boot if you need it",),
        )


def _build_unverified_download(spec: LoadedSpec, path: KeyPath, url: str) -> Diagnostic:
    if url.startswith("http://"):
        code, problem = "RS401", "over plain HTTP and without a checksum"
        label = "not protected against tampering"
    else:
        code, problem = "RS402", "without a checksum"
        label = "no checksum"
    name = url.rsplit("/", 1)[-1]
    return Diagnostic(
        code=code,
        severity=Severity.WARNING,
        message=f"`{name}` is downloaded {problem} and installed as root",
        spans=(spec.document.span(path, label=label),),
        help=('add `sha256 = "…"` from a source that you trust',),
    )


def _lint_notebook(spec: LoadedSpec) -> Iterator[Diagnostic]:
    jupyter = spec.rig.service.jupyter
    if jupyter is None:
        return
    path: KeyPath = ("service", "jupyter")
    tls = jupyter.tls
    if not isinstance(tls, bool):
        kind, _, bits = tls.key.partition(":")
        if kind == "rsa" and int(bits) < _MIN_RSA_BITS:
            yield Diagnostic(
                code="RS403",
                severity=Severity.WARNING,
                message=f"the notebook uses a {bits}-bit RSA certificate, which can be factored",
                spans=(spec.document.span((*path, "tls", "key"), label=f"{bits} bits"),),
                help=(f'set `key = "rsa:{_MIN_RSA_BITS}"` or more, or `tls = true`',),
            )
    if jupyter.address in _EVERYWHERE:
        has_password = jupyter.password is not None
        yield _build_open_notebook(spec, (*path, "address"), bool(tls), has_password)


def _build_open_notebook(spec: LoadedSpec, path: KeyPath, tls: bool, password: bool) -> Diagnostic:
    missing = [name for name, is_set in (("TLS", tls), ("a password", password)) if not is_set]
    span = spec.document.span(path, label="all interfaces")
    if missing:
        return Diagnostic(
            code="RS405",
            severity=Severity.ERROR,
            message=f"the notebook listens on all interfaces without {' and '.join(missing)}: "
            "anyone who can reach the port can run code on this machine",
            spans=(span,),
            help=(
                'set `address = "127.0.0.1"` and use an ssh tunnel, or set both `tls = true` '
                'and `password = { secret = "…" }`',
            ),
        )
    return Diagnostic(
        code="RS404",
        severity=Severity.WARNING,
        message="the notebook listens on all interfaces, protected only by a password",
        spans=(span,),
        help=(
            'set `address = "127.0.0.1"` and connect with '
            f"`ssh -L {spec.rig.service.jupyter.port if spec.rig.service.jupyter else 8888}"
            ":localhost:PORT`",
        ),
    )
