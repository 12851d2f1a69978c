"""Turn a solution of the problem into a resolution of the rig."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rigspec.matrix.components import NOTEBOOK, PACKAGE_PREFIX, get_channel_product
from rigspec.matrix.model import Condition, Matrix, Product, Release
from rigspec.resolution import Build, EnvResolution, Pin, Resolution
from rigspec.resolve.problem.channels import (
    find_channel_build,
    list_channel_frameworks,
)
from rigspec.resolve.problem.domains import Candidate
from rigspec.resolve.problem.model import BoundRule, matches_any
from rigspec.resolve.problem.requested_packages import (
    list_framework_products,
    list_requested_frameworks,
)
from rigspec.resolve.problem.requirements import find_architecture, get_env_key
from rigspec.resolve.solver.sat import Solution
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import (
    NO_BUILD,
    build_of,
    list_extras,
    normalize_name,
    parse_alternative,
    strip_local_version,
)

__all__ = ["build_resolution"]

# NVIDIA, Driver Installation Guide, Kernel Modules: "Starting in the 560 driver release series, the
# open kernel module flavor is the default".
_OPEN_BY_DEFAULT = 560
# The same guide for 620: "Proprietary Kernel Modules Removed".
_OPEN_ONLY = 620


def build_resolution(
    rig: Rig,
    machine: str | None,
    matrix: Matrix,
    rules: Sequence[BoundRule],
    solution: Solution,
) -> Resolution:
    """Return the decided versions of one machine, as their publishers write them.

    ``rules`` are the active rules about implied packages (``ProblemBuilder.implied_rules``).
    """
    rig = limit_to_machine(rig, machine)
    arch = find_architecture(rig.machine[machine] if machine is not None else None, matrix)
    rules_of = defaultdict(list)
    for row in rules:
        rules_of[row.requires[0].partition("/")[0]].append(row)
    envs = tuple(
        _env(rig, name, arch, matrix, rules_of[name], solution) for name in sorted(rig.env)
    )
    return Resolution(
        machine=machine,
        os=solution["os"].label,
        arch=arch,
        accelerator=solution["accelerator"].version,
        glibc=_version(solution, "glibc"),
        driver=_version(solution, "driver"),
        cuda=_version(solution, "cuda"),
        cudnn=_version(solution, "cudnn"),
        cudnn_cuda=_cudnn_target(solution),
        envs=envs,
        driver_source=_version(solution, "driver_source"),
        kernel_modules=_kernel_modules(rig, machine, solution),
        cuda_provider=_cuda_provider(rig, solution),
        docker=_version(solution, "docker"),
    )


def _cuda_provider(rig: Rig, solution: Solution) -> str | None:
    if rig.cuda is not None:
        return rig.cuda.provider
    if "cuda" not in solution:
        return None
    provider = _version(solution, "provider")
    return None if provider == "image" else provider


def _cudnn_target(solution: Solution) -> str | None:
    """Return the CUDA version that cuDNN is built for, as its release names it.

    A build for all of CUDA 12 admits several versions of the component.
    """
    cudnn = solution.get("cudnn")
    build = build_of(cudnn.version) if cudnn is not None else NO_BUILD
    return _version(solution, "cudnn_cuda") if build == NO_BUILD else build.removeprefix("cuda")


def _kernel_modules(rig: Rig, machine: str | None, solution: Solution) -> str | None:
    """Return the driver's kernel modules: open only where the driver's branch has them by default.

    Where no card is known, the proprietary ones are safe as long as the branch has any.
    """
    if "kernel_modules" not in solution:
        return None
    requested = rig.machine[machine].kernel_modules if machine is not None else None
    driver = solution.get("driver")
    if requested is None and driver is not None:
        known = any(key.endswith("/compute_capability") for key in solution)
        branch = int(driver.version.partition(".")[0])
        if branch < (_OPEN_BY_DEFAULT if known else _OPEN_ONLY):
            return "proprietary"
    return _version(solution, "kernel_modules")


def _env(
    rig: Rig,
    name: str,
    arch: str,
    matrix: Matrix,
    rules: Sequence[BoundRule],
    solution: Solution,
) -> EnvResolution:
    frameworks = {
        framework: solution[get_env_key(name, framework)]
        for framework in list_framework_products(rig.env[name])
    }
    from_channels = list_channel_frameworks(rig.env[name])
    wheels = {f: chosen for f, chosen in frameworks.items() if f not in from_channels}
    installer = solution.get(get_env_key(name, "installer"))
    extras = {e.product: list_extras(e.request) for e in list_requested_frameworks(rig.env[name])}
    return EnvResolution(
        name=name,
        python=solution[get_env_key(name, "python")].version,
        pip=solution[get_env_key(name, "pip")].version,
        frameworks=tuple(
            Pin(product, strip_local_version(chosen.version))
            if product in from_channels
            else Pin(product, _written_version(matrix.product(product), chosen, arch))
            for product, chosen in frameworks.items()
        ),
        distributions=tuple(
            Pin(from_channels[product], strip_local_version(chosen.version))
            if product in from_channels
            else Pin(
                _distribution(matrix.product(product), chosen, name, solution, extras),
                _installed_version(matrix.product(product), chosen, arch),
            )
            for product, chosen in frameworks.items()
        ),
        constraints=_constraints(rules),
        companions=tuple(sorted(_companions(rig, matrix, name, wheels, solution))),
        installer=installer.label if installer is not None else None,
        cuda=_cuda_in_wheels(name, rules, solution),
        interpreter=solution[get_env_key(name, "interpreter")].version,
        builds=(
            *(
                build
                for product, chosen in wheels.items()
                if (build := _build(matrix.product(product), chosen, arch)) is not None
            ),
            *_channel_builds(matrix, frameworks, from_channels),
        ),
    )


def _release(product: Product, chosen: Candidate) -> Release | None:
    """Return the build that was chosen, where a release of the product is several."""
    if not product.has_builds:
        return None
    return next(iter(product.list_releases(chosen.version)), None)


def _is_default(release: Release, arch: str) -> bool:
    """Return whether the default package index has this build for the architecture."""
    return arch in (release.get("pypi") or "").split()


def _build(product: Product, chosen: Candidate, arch: str) -> Build | None:
    """Return the build, unless the default package index has it."""
    release = _release(product, chosen)
    index = release.get("index") if release is not None else None
    if release is None or index is None or _is_default(release, arch):
        return None
    version, cuda = release.get("file_version") or release.version, release.get("cuda")
    if product.carrier is not None:
        return Build(product.name, _carrier_of(product.carrier, release), index, cuda)
    return Build(product.name, f"{product.name}=={version}", index, cuda)


def _carrier_of(carrier: str, release: Release) -> str:
    """Return the requirement of the package whose builds differ: ``jaxlib==0.4.23+cuda12.cudnn89``.

    Its build for the CPU has no local version. Of the oldest releases its version is unknown.
    """
    version = release.get(carrier)
    if version is None:
        return carrier
    return f"{carrier}=={version}" + (
        f"+{build_of(release.version)}" if release.get("cuda") else ""
    )


def _channel_builds(
    matrix: Matrix, frameworks: Mapping[str, Candidate], packages: Mapping[str, str]
) -> Iterator[Build]:
    """Yield the builds that conda installs: ``pytorch=2.4.1 pytorch-cuda=12.1``."""
    for product, package in packages.items():
        table, chosen = get_channel_product(product), frameworks[product].version
        release = find_channel_build(matrix.product(table), chosen) if table in matrix else None
        if release is None:
            continue
        version, selector = strip_local_version(chosen), release.get("select") or ""
        requirement = f"{package}={version} {selector}"
        if selector.startswith("pytorch=*="):
            requirement = f"pytorch={version}={selector.rpartition('=')[2]}"
        channels = release.get("channels") or ""
        yield Build(product, requirement.strip(), channels, release.get("cuda"))


def _written_version(product: Product, chosen: Candidate, arch: str) -> str:
    """Return the version with its build, unless that is the default one."""
    release = _release(product, chosen)
    if release is None or not _is_default(release, arch):
        return chosen.version
    return strip_local_version(chosen.version)


def _installed_version(product: Product, chosen: Candidate, arch: str) -> str:
    """Return the version of the distribution of the product itself."""
    if product.has_builds and product.carrier is not None:
        return strip_local_version(chosen.version)
    release = _release(product, chosen)
    named = release.get("file_version") if release is not None else None
    return named or _written_version(product, chosen, arch)


def _holds(condition: Condition, env: str, solution: Solution) -> bool:
    own = get_env_key(env, condition.component)
    value = solution.get(own, solution.get(condition.component))
    return value is not None and matches_any(condition.alternatives, value)


def _distribution(
    product: Product,
    chosen: Candidate,
    env: str,
    solution: Solution,
    requested: Mapping[str, tuple[str, ...]],
) -> str:
    """Return the package on the Python index with the extras that this rig needs or requests."""
    extras = [
        extra.name
        for extra in product.extras
        if matches_any((extra.versions,), Candidate(None, chosen.version))
        and all(_holds(condition, env, solution) for condition in extra.when)
    ]
    extras += (name for name in requested.get(product.name, ()) if name not in extras)
    package = chosen.family or product.name
    return f"{package}[{','.join(extras)}]" if extras else package


def _companions(
    rig: Rig,
    matrix: Matrix,
    env: str,
    frameworks: Mapping[str, Candidate],
    solution: Solution,
) -> set[str]:
    undeclared = [
        companion
        for framework, chosen in frameworks.items()
        for companion in matrix.product(framework).undeclared_dependencies
        if matches_any((companion.versions,), Candidate(None, chosen.version))
    ]
    jupyter = rig.service.jupyter
    if jupyter is not None and env in (jupyter.env, *jupyter.kernels):
        # Its version is the lock's to decide, among those that run on the interpreter.
        undeclared += matrix.product(NOTEBOOK).undeclared_dependencies
    return {
        normalize_name(companion.package)
        for companion in undeclared
        if all(_holds(condition, env, solution) for condition in companion.when)
    }


def _cuda_in_wheels(env: str, rules: Sequence[BoundRule], solution: Solution) -> str | None:
    """Return the CUDA of a rule; of a range, its major, because the lock decides the minor."""
    key = get_env_key(env, "cuda_runtime")
    requested = [row.requires[1] for row in rules if row.requires[0] == key]
    version = _version(solution, key)
    if not requested or version is None:
        return None
    exact = any(texts == (version,) for texts in requested)
    return version if exact else version.split(".")[0]


def _constraints(rules: Sequence[BoundRule]) -> tuple[str, ...]:
    """Return the constraints on Python packages from the rules about an environment."""
    found = set()
    for row in rules:
        package = row.requires[0].partition("/" + PACKAGE_PREFIX)[2]
        if package:
            (text,) = row.requires[1]
            found.add(f"{normalize_name(package)}{parse_alternative(text).versions or ''}")
    return tuple(sorted(found))


def _version(solution: Solution, component: str) -> str | None:
    candidate = solution.get(component)
    # A build carries the name of its target after a plus sign.
    return candidate.version.partition("+")[0] if candidate is not None else None
