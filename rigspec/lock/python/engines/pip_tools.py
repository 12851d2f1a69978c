"""Hash-pinned requirements by pip-compile, run in an interpreter of the environment's own series.

pip's own choice: newer releases that exist only as source archives are built to read
their requirements, which runs their code. The other engines are compared with this one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rigspec.lock.errors import LockError, index_failure, report_no_solution
from rigspec.lock.python.direct_packages import add_metadata_wheels
from rigspec.lock.python.engines.process import find_index_host, run_engine
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import remove_direct_lines

__all__ = ["compile_requirements", "find_interpreter"]

_FIRST_WITH_VENV = (3, 3)
# uv installs into nothing older.
_FIRST_FOR_UV = (3, 8)
# Words of pip's for an index that is out of order, from `pip/_internal`, and of uv's.
_TROUBLE = (
    *("Connection", "timed out", "HTTPError", "SSLError", "THESE PACKAGES DO NOT MATCH"),
    *("error sending request", "Failed to fetch"),
)
_OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--allow-unsafe",
    "--no-annotate",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
)


def compile_requirements(question: ResolveRequest) -> str:
    """Return the requirements as pip-compile pins them, sorted by name. Raises LockError.

    Needs an interpreter of the target's series on this machine; an environment is made from it in
    a temporary folder, with the target's pip and the newest pip-tools that it can run.
    """
    python = find_interpreter(question.target.series)
    series = "{}.{}".format(*question.target.series)
    if python is None:
        why = f"pip-tools needs a Python {series} on this machine; there is none (pyenv, PATH)"
        raise report_no_solution(question.env, why)
    if question.named_indexes:
        why = "pip-tools takes a package from any index, also one that `[index]` names for others"
        raise report_no_solution(question.env, f"{why}; omit `--engine`")
    if question.as_of is not None:
        raise report_no_solution(
            question.env, "`as_of` needs upload times, which pip-tools does not read"
        )
    with tempfile.TemporaryDirectory(prefix="rigspec-") as folder:
        return _Compiler(question, python, Path(folder)).compile()


class _Compiler:
    def __init__(self, question: ResolveRequest, python: Path, folder: Path) -> None:
        self._question = question
        self._host = python
        self._folder = folder
        self._python = str(folder / "env" / "bin" / "python")

    def compile(self) -> str:
        question = self._question
        self._run(self._creator())
        # Not a newer one than the extra of rigspec, and an older one for an old Python or pip.
        tools = [f"pip=={question.target.pip}", f"pip-tools<={version('pip-tools')}"]
        self._run([*self._installer(), "--quiet", *tools])
        requested, output = self._folder / "requirements.in", self._folder / "requirements.txt"
        bounds = self._folder / "constraints.txt"
        bounds.write_text(_lines(question.constraints), encoding="utf-8")
        direct = add_metadata_wheels(question.direct, self._folder)
        wanted = _lines((*question.requirements, *direct))
        requested.write_text(f"-c {bounds}\n{wanted}", encoding="utf-8")
        preferred = (
            f"{name}=={version}" for name, version in question.preferred_versions().items()
        )
        output.write_text(_lines(list(preferred)), encoding="utf-8")
        command = [self._python, "-m", "piptools", "compile", *_OPTIONS]
        self._run([*command, "--output-file", str(output), str(requested)])
        lines = output.read_text(encoding="utf-8").splitlines(keepends=True)
        return remove_direct_lines(
            "".join(line for line in lines if line.strip() and not line.startswith("#"))
        )

    def _creator(self) -> list[str]:
        from uv import find_uv_bin

        path = str(self._folder / "env")
        if self._question.target.series >= _FIRST_FOR_UV:
            # Without ensurepip, which takes seconds.
            options = ("--quiet", "--no-config", "--no-python-downloads")
            return [find_uv_bin(), "venv", *options, "--python", str(self._host), path]
        if self._question.target.series >= _FIRST_WITH_VENV:
            return [str(self._host), "-m", "venv", path]
        virtualenv = f"virtualenv=={self._question.target.virtualenv}"
        command = [find_uv_bin(), "tool", "run", "--quiet", "--from", virtualenv, "virtualenv"]
        return [*command, "--quiet", "--python", str(self._host), path]

    def _installer(self) -> list[str]:
        if self._question.target.series < _FIRST_FOR_UV:
            return [self._python, "-m", "pip", "install"]
        from uv import find_uv_bin

        return [find_uv_bin(), "pip", "install", "--no-config", "--python", self._python]

    def _run(self, command: Sequence[str]) -> None:
        index = self._question.index
        variables = {} if index is None else {"PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index}
        if self._question.extra_indexes:
            variables["PIP_EXTRA_INDEX_URL"] = " ".join(self._question.extra_indexes)
        done = run_engine(self._question, command, "", variables)
        if done.returncode != 0:
            raise self._failure(done.stderr)

    def _failure(self, stderr: str) -> LockError:
        words = " ".join(line.strip() for line in stderr.splitlines()[-8:])
        if any(trouble in stderr for trouble in _TROUBLE):
            host = find_index_host(self._question)
            what = f"the packages of `{self._question.env}`"
            return index_failure(what, f"{words} (from {host})")
        return report_no_solution(self._question.env, words)


def _lines(entries: Sequence[str]) -> str:
    return "".join(f"{entry}\n" for entry in entries)


def find_interpreter(series: tuple[int, int]) -> Path | None:
    """Return the newest interpreter of pyenv, else the one on PATH; None where there is none."""
    name = "{}.{}".format(*series)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    patches = (_patch(folder.name, name) for folder in root.glob(f"versions/{name}.*"))
    for patch in sorted((patch for patch in patches if patch is not None), reverse=True):
        python = root / "versions" / f"{name}.{patch}" / "bin" / "python"
        if os.access(python, os.X_OK):
            return python
    # A shim of pyenv is found for every version and runs for the chosen one only.
    found = shutil.which(f"python{name}")
    return Path(found) if found is not None and "shims" not in Path(found).parts else None


def _patch(version: str, series: str) -> int | None:
    patch = version.removeprefix(f"{series}.")
    return int(patch) if patch.isdigit() else None
