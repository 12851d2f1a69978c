"""Commands start fast: these are the packages that `check` and `compile` may import."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.lock.lockfile import lock_files, read_lock
from rigspec.matrix.loader import compute_matrix_digest
from rigspec.spec.loader import compute_spec_digest, load_spec
from tests.conftest import ROOT

SPEC = ROOT / "specs" / "dl-server.toml"
PROGRAM = """
import sys
from rigspec.cli.main import main
sys.argv = ["rigspec", *sys.argv[1:]]
try:
    main()
except SystemExit:
    sys.stdout = sys.__stdout__
print("modules:", *sys.modules)
"""
# Without a cached result.
LIBRARIES = {
    "packaging",
    "pysolvers",
    "re2",
    "rigspec",
    "tomli",
    "tree_sitter",
    "tree_sitter_toml",
}
PACKAGES = {
    "rigspec.cache",
    "rigspec.check",
    "rigspec.check_dependencies",
    "rigspec.expected_packages",
    "rigspec.cli",
    "rigspec.diagnostics",
    "rigspec.frozen",
    "rigspec.garbage_collection",
    "rigspec.hardware",
    "rigspec.importing",
    "rigspec.lint",
    "rigspec.matrix",
    "rigspec.package_files",
    "rigspec.resolution",
    "rigspec.resolve",
    "rigspec.secrets",
    "rigspec.spec",
    "rigspec.version_specifiers",
}
# With one.
CACHED_PACKAGES = {
    "rigspec.cache",
    "rigspec.cli",
    "rigspec.diagnostics",
    "rigspec.frozen",
    "rigspec.package_files",
    "rigspec.resolution",
    "rigspec.secrets",
}
# `compile` with a lock of this spec and this matrix.
COMPILE_LIBRARIES = {
    "jinja2",
    "markupsafe",
    "packaging",
    "re2",
    "rigspec",
    "tomli",
    "tree_sitter",
    "tree_sitter_toml",
}
COMPILE_PACKAGES = {
    "rigspec.backend",
    "rigspec.backends",
    "rigspec.cache",
    "rigspec.cli",
    "rigspec.diagnostics",
    "rigspec.entry_points",
    "rigspec.frozen",
    "rigspec.fs",
    "rigspec.garbage_collection",
    "rigspec.hardware",
    "rigspec.importing",
    "rigspec.lint",
    "rigspec.lock",
    "rigspec.matrix",
    "rigspec.net",
    "rigspec.package_files",
    "rigspec.plan",
    "rigspec.resolution",
    "rigspec.resolve",
    "rigspec.secrets",
    "rigspec.spec",
    "rigspec.version_specifiers",
}
COMPILE_EXCLUDED = {
    "packaging.requirements",
    "packaging.utils",
    "rigspec.lock.create",
    "rigspec.lock.python.environment",
    "rigspec.resolve.solver.search",
}
# Each takes five milliseconds and more, and was once drawn in by a library or a helper.
EXCLUDED = {
    "asyncio",
    "email",
    "http",
    "importlib.metadata",
    "logging",
    "packaging.tags",
    "pysat",
    "rigspec.importing.merge",
    "rigspec.importing.registry",
    "rigspec.resolve.conflicts.unsat_core",
    "rigspec.resolve.explain.why",
    "rigspec.spec.json_schema",
    "rigspec.spec.validation.errors",
    "tomllib",
    "zipfile",
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}


def test_check_imports_only_listed_packages(environment: dict[str, str]) -> None:
    modules = _modules("check", "--no-cache", SPEC, environment=environment)
    assert not modules & EXCLUDED
    assert _packages(modules) <= PACKAGES
    assert "pydantic" not in modules  # but a placeholder for its search for plugins
    assert _libraries(modules) - {"pydantic"} <= LIBRARIES


def test_check_of_unchanged_spec_imports_neither_models_nor_solver(
    environment: dict[str, str],
) -> None:
    _modules("check", SPEC, environment=environment)
    modules = _modules("check", SPEC, environment=environment)
    assert not modules & EXCLUDED
    assert _packages(modules) <= CACHED_PACKAGES
    assert "pydantic" not in modules  # but a placeholder for its search for plugins
    assert _libraries(modules) - {"pydantic"} <= {"re2", "rigspec"}


def test_compile_with_current_lock_imports_neither_models_nor_solver(
    environment: dict[str, str], tmp_path: Path
) -> None:
    lock, _ = read_lock(ROOT / "lockfiles" / SPEC.stem)
    current = replace(
        lock,
        spec_digest=compute_spec_digest(load_spec(str(SPEC)).rig),
        matrix_digest=compute_matrix_digest(),
    )
    write_tree_atomically(tmp_path / "lock", lock_files(current))
    options = ("--machine", "tower", "--locked", "--lock", tmp_path / "lock")
    command = ("compile", SPEC, "--target", "docker", "-o", tmp_path / "out", *options)
    modules = _modules(*command, environment=environment)
    # `importlib.resources`, which finds the templates, draws in zipfile.
    assert modules & (EXCLUDED | COMPILE_EXCLUDED) - {"zipfile"} == set()
    assert _packages(modules) <= COMPILE_PACKAGES
    assert "pydantic" not in modules  # but a placeholder for its search for plugins
    assert _libraries(modules) - {"pydantic"} <= COMPILE_LIBRARIES


def _modules(*arguments: object, environment: dict[str, str]) -> set[str]:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("modules: ")[2].split())


def _packages(modules: set[str]) -> set[str]:
    return {".".join(name.split(".")[:2]) for name in modules if name.startswith("rigspec.")}


def _libraries(modules: set[str]) -> set[str]:
    """Return the distributions' packages; those of the interpreter's own start are left out."""
    start = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    roots = {name.partition(".")[0] for name in modules - {*start.stdout.split()}}
    # Names with a checksum of the build of tomli, and with the platform of the interpreter.
    helpers = {name for name in roots if name.endswith("__mypyc") or name.startswith("_sysconfig")}
    return roots - sys.stdlib_module_names - helpers - {"__main__"}
