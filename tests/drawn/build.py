"""A drawn rig from its text to its artifacts, and what they lack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.check import check_machine
from rigspec.diagnostics.model import Report, Severity
from rigspec.lock.create import create_lock
from rigspec.lock.errors import LockError
from rigspec.lock.model import Lock
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.plan.steps import (
    AptPackagesStep,
    ArchiveStep,
    DnfPackagesStep,
    EnvironmentStep,
    InstallerStep,
    SourceBuildStep,
)
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, parse_spec
from rigspec.spec.types import has_apt

__all__ = ["Built", "build", "find_gaps"]

# Sources of a toolkit that a step installs; wheels are packages of an environment.
_INSTALLED_TOOLKITS = ("nvidia", "runfile", "debian")
_INTERPRETER_STEPS = {"uv": ArchiveStep, "pyenv": SourceBuildStep, "conda": InstallerStep}


@dataclass(frozen=True)
class Built:
    """The result of each stage; later stages are None if an earlier one failed."""

    spec: LoadedSpec
    report: Report
    lock: Lock | None = None
    plan: Plan | None = None
    failure: str = ""

    @property
    def is_admitted(self) -> bool:
        return self.report.status == "ok"

    @property
    def is_unreachable(self) -> bool:
        """Return whether an index of its packages could not be reached from here."""
        return self.failure.startswith("RS504")

    @property
    def is_locked(self) -> bool:
        """Return whether there is a plan, or check warned that the build cannot be locked."""
        reported = any(each.code == "RS532" for each in self.report.diagnostics)
        return not self.failure or (reported and self.failure.startswith("RS532"))


def build(text: str) -> Built:
    """Check, lock and compile a rig of one machine for every target."""
    spec = parse_spec("rig.toml", text)
    (machine,) = spec.rig.machine
    report = check_machine(spec, machine, load_required_matrix(spec.rig, machine))
    if report.status != "ok" or report.resolution is None:
        return Built(spec, report)
    try:
        lock = create_lock(spec.rig, [report.resolution])
    except LockError as error:
        diagnostic = error.diagnostic
        return Built(spec, report, failure=f"{diagnostic.code} {diagnostic.message}")
    plan = build_plan(spec.rig, lock, machine, "0" * 64)
    for backend in find_backends():
        compile_plan(plan, backend)
    return Built(spec, report, lock, plan)


def find_gaps(built: Built) -> Iterator[str]:
    """Yield what the spec requests and no step of the installer does, unless check reported it."""
    plan, lock = built.plan, built.lock
    if plan is None or lock is None:
        return
    shell = next(backend for backend in find_backends() if backend.name == "shell")
    reported = [d.message for d in built.report.diagnostics if d.severity is not Severity.NOTE]
    for omission in (*plan.omissions, *shell.omissions(plan)):
        # The archives of other machines' systems are not known here.
        named = omission.item.partition(" with ")[0]
        if not omission.item.startswith("pinning of ") and not any(
            named in message for message in reported
        ):
            yield f"omitted: {omission.item}: {omission.reason}"
    for item in lock.machines[0].unpinned:
        if item.part in ("interpreter", "cuda", "cudnn"):
            yield f"not pinned: {item.what}: {item.reason}"
    if not any(d.code == "RS255" and "driver" in d.components for d in built.report.diagnostics):
        yield from _driver_gaps(plan)
    yield from _toolkit_gaps(plan)
    yield from _environment_gaps(built.spec, plan)
    yield from _service_gaps(built.spec, plan)


def _driver_gaps(plan: Plan) -> Iterator[str]:
    wanted = plan.resolution.driver_source in ("nvidia", "distribution", "runfile")
    if wanted and not any(step.id == "driver" for step in plan.steps):
        yield f"no step installs the driver {plan.resolution.driver}"


def _toolkit_gaps(plan: Plan) -> Iterator[str]:
    found = plan.resolution
    ids = {step.id for step in plan.steps}
    if found.cuda is None or found.cuda_provider not in _INSTALLED_TOOLKITS:
        return
    if "cuda" not in ids:
        yield f"no step installs CUDA {found.cuda} from {found.cuda_provider}"
    if found.cudnn is not None and found.cuda_provider != "debian" and "cudnn" not in ids:
        yield f"no step installs cuDNN {found.cudnn}"


def _environment_gaps(spec: LoadedSpec, plan: Plan) -> Iterator[str]:
    created = {step.name: step for step in plan.steps if isinstance(step, EnvironmentStep)}
    for env in plan.resolution.envs:
        step = created.get(env.name)
        if step is None:
            yield f"no step creates {env.name}"
            continue
        kind = _INTERPRETER_STEPS.get(env.interpreter)
        needed = [each for each in plan.steps if each.id in step.needs]
        if kind is not None and not any(isinstance(each, kind) for each in needed):
            yield f"no step installs Python {env.python} from {env.interpreter}"
        apt = has_apt(plan.resolution.os)
        if kind is None and apt and not any(isinstance(each, AptPackagesStep) for each in needed):
            yield f"no step installs the Python of {plan.resolution.os}"
        if not step.create_command[0].startswith("/") and kind is not None:
            yield f"{env.name} is created by {step.create_command[0]} of no step"
        pins = {package.name for package in step.packages}
        for name in spec.rig.env[env.name].packages:
            if name.lower() not in pins:
                yield f"{env.name} has no {name}"
        for pin in env.distributions:
            if pin.name.partition("[")[0] not in pins:
                yield f"{env.name} has no {pin.name}"


def _service_gaps(spec: LoadedSpec, plan: Plan) -> Iterator[str]:
    service = spec.rig.service
    ids = " ".join(step.id for step in plan.steps)
    if service.ssh is not None and "service-ssh" not in ids:
        yield "no step sets up sshd"
    if service.jupyter is not None and "notebook" not in ids:
        yield "no step sets up the notebook server"
    installed = {
        package.name
        for step in plan.steps
        if isinstance(step, (AptPackagesStep, DnfPackagesStep))
        for package in step.packages
    }
    for package in spec.rig.system.packages if spec.rig.system is not None else ():
        if package not in installed:
            yield f"no step installs {package}"
