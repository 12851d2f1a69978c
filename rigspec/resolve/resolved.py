"""From a solution of the problem to a resolution of the rig."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from rigspec.matrix.model import Matrix
from rigspec.matrix.vocabulary import PACKAGE_PREFIX
from rigspec.resolution import EnvResolution, Pin, Resolution
from rigspec.resolve.claims import env_key
from rigspec.resolve.problem import Problem, admits
from rigspec.resolve.solve import Solution
from rigspec.spec.model import Rig
from rigspec.versions import parse_alternative

__all__ = ["resolved"]


def resolved(
    rig: Rig, machine: str | None, matrix: Matrix, problem: Problem, solution: Solution
) -> Resolution:
    """The decided versions of one machine, in the words of its publishers."""
    envs = tuple(_env(rig, name, matrix, problem, solution) for name in sorted(rig.env))
    return Resolution(
        machine=machine,
        os=solution["os"].label,
        arch=rig.machine[machine].arch if machine is not None else "x86_64",
        accelerator=solution["accelerator"].version,
        glibc=_version(solution, "glibc"),
        driver=_version(solution, "driver"),
        cuda=_version(solution, "cuda"),
        cudnn=_version(solution, "cudnn"),
        cudnn_cuda=_version(solution, "cudnn_cuda"),
        envs=envs,
    )


def _env(
    rig: Rig, name: str, matrix: Matrix, problem: Problem, solution: Solution
) -> EnvResolution:
    frameworks = tuple(
        Pin(framework, solution[env_key(name, framework)].version)
        for framework in sorted(rig.env[name].frameworks)
    )
    accelerator = solution["accelerator"].version
    installer = solution.get(env_key(name, "installer"))
    return EnvResolution(
        name=name,
        python=solution[env_key(name, "python")].version,
        pip=solution[env_key(name, "pip")].version,
        frameworks=frameworks,
        distributions=tuple(
            Pin(_distribution(matrix, pin.name, accelerator), pin.version) for pin in frameworks
        ),
        constraints=_constraints(name, problem, solution),
        installer=installer.label if installer is not None else None,
    )


def _distribution(matrix: Matrix, framework: str, accelerator: str) -> str:
    by_accelerator = dict(matrix.product(framework).distributions)
    return by_accelerator.get(accelerator, framework)


def _constraints(env: str, problem: Problem, solution: Solution) -> tuple[str, ...]:
    """The requirements on Python packages whose rules apply to this solution."""
    found = set()
    for sheet in problem.package_rules:
        for row in sheet.constraints:
            owner, _, package = row.must[0].partition("/" + PACKAGE_PREFIX)
            if owner == env and all(admits(texts, solution[key]) for key, texts in row.when):
                (text,) = row.must[1]
                found.add(f"{canonicalize_name(package)}{parse_alternative(text).versions or ''}")
    return tuple(sorted(found))


def _version(solution: Solution, component: str) -> str | None:
    candidate = solution.get(component)
    # A build that is told apart by what it was built for carries that after a plus sign.
    return candidate.version.partition("+")[0] if candidate is not None else None
