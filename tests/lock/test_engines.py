"""Python environments, locked for interpreters that are not here; and indexes that fail."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from resolvelib.resolvers import RequirementInformation

from rigspec.lock.errors import LockError
from rigspec.lock.python.engines import resolvelib, uv
from rigspec.lock.python.index.package_index import AvailableVersion
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import read_pins
from rigspec.lock.python.target_interpreter import TargetInterpreter
from tests.lock.http_server import Answer, send, servers

PYTHON_27 = TargetInterpreter("2.7.18", (2, 31), "x86_64", "20.3.4")
PYTHON_36 = TargetInterpreter("3.6.15", (2, 31), "x86_64", "21.3.1")
RULES = ("protobuf<4", "h5py<3", "numpy<1.24")


def question(target: TargetInterpreter, *requirements: str, **more: Any) -> ResolveRequest:
    return ResolveRequest("lab", requirements, target, **{"constraints": RULES, **more})


def versions(text: str) -> dict[str, str]:
    return {pin.name: str(pin.version) for pin in read_pins(text)}


def test_resolvelib_for_python_2_7_needs_no_interpreter() -> None:
    """The packages that pip-tools finds inside a real 2.7, where versions have wheels."""
    text = resolvelib.compile_requirements(question(PYTHON_27, "tensorflow==1.8.0", "keras<2.3"))
    found = versions(text)
    assert len(found) == 27
    assert found["tensorflow"] == "1.8.0"
    assert found["keras"] == "2.2.5"
    # Markers of the target hold, not those of the interpreter that runs this.
    assert {"funcsigs", "futures", "enum34", "mock", "backports-weakref"} <= found.keys()
    # Newer ones have no wheel for 2.7.
    assert (found["gast"], found["grpcio"], found["numpy"]) == ("0.3.3", "1.39.0", "1.16.6")


def test_resolvelib_skips_sdist_with_unavailable_build_requirement() -> None:
    """Send2Trash 2.0.0 admits Python 2.7, and is built with a setuptools that does not."""
    text = resolvelib.compile_requirements(question(PYTHON_27, "send2trash"))
    assert versions(text) == {"send2trash": "1.8.3"}

    with pytest.raises(LockError) as failed:
        resolvelib.compile_requirements(question(PYTHON_27, "send2trash==2.0.0"))
    output = failed.value.diagnostic.message
    assert "send2trash 2.0.0 is built with setuptools>=75.3.1, which is not available" in output


def test_uv_for_python_3_6_returns_pins() -> None:
    text = uv.compile_requirements(question(PYTHON_36, "tensorflow==1.8.0", "keras<2.3"))
    found = versions(text)
    assert found["tensorflow"] == "1.8.0"
    assert found["numpy"].startswith("1.19")
    assert text.count("--hash=sha256:") >= len(found)


def test_uv_result_respects_excluded_pythons() -> None:
    """Send2Trash 2.0.0 says `!=3.6.*`; uv reads lower bounds only, and pip would not find it."""
    text = uv.compile_requirements(question(PYTHON_36, "send2trash<2.1"))
    assert versions(text) == {"send2trash": "1.8.3"}


@pytest.mark.e2e(minutes=1)
def test_uv_locks_yanked_release_for_exact_version() -> None:
    """torchvision 0.2.1 is yanked, and the only one for torch 1.0.0; pip takes it for `==0.2.1`."""
    python_37 = TargetInterpreter("3.7", (2, 27), "x86_64", "24.0")
    request = question(
        python_37, "fastai==1.0.42", "torch==1.0.0", constraints=("torchvision==0.2.1",)
    )
    assert versions(uv.compile_requirements(request))["torchvision"] == "0.2.1"


def test_resolvelib_reads_arbitrary_equality_marker() -> None:
    """Pyzmq asks for what PyPy needs where `implementation_name === "pypy"`."""
    python_35 = TargetInterpreter("3.5", (2, 23), "x86_64", "20.3.4")
    text = resolvelib.compile_requirements(question(python_35, "pyzmq==20.0.0"))
    assert versions(text) == {"pyzmq": "20.0.0"}


def test_resolvelib_conflict_names_requirements() -> None:
    with pytest.raises(LockError) as failure:
        resolvelib.compile_requirements(question(PYTHON_27, "tensorflow==1.8.0", "numpy<1.10"))
    assert failure.value.status == 1
    output = failure.value.diagnostic.message
    assert "tensorflow 1.8.0 requires numpy>=1.13.3, but the spec requires numpy<1.10" in output


def test_resolvelib_endless_search_names_the_requirements() -> None:
    offer = AvailableVersion("pandas", Version("1.0"), ())
    causes = [
        RequirementInformation(Requirement("numpy<1.10"), None),
        RequirementInformation(Requirement("numpy>=1.13"), offer),
    ]
    pair = resolvelib._pair(causes)
    assert pair == "pandas requires numpy>=1.13 and the spec requires numpy<1.10"
    assert resolvelib._explain_endless(Counter([pair])).endswith(f"exclude each other: {pair}")


WHEEL = "six-1.0-py2.py3-none-any.whl"


def listing(checksum: str) -> bytes:
    return f'<a href="/{WHEEL}#sha256={checksum}">{WHEEL}</a>'.encode()


def lies(request: BaseHTTPRequestHandler) -> None:
    body = listing(hashlib.sha256(b"another").hexdigest())
    if request.path.endswith(".whl"):
        body = b"these are not the bytes that were promised"
    send(request, body, Content_Type="text/html")


def halves(request: BaseHTTPRequestHandler) -> None:
    body = listing(hashlib.sha256(b"x").hexdigest())
    send(request, body, Content_Type="text/html", Content_Length=str(len(body) * 2))
    request.close_connection = True


def breaks(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 500)


def stalls(request: BaseHTTPRequestHandler) -> None:
    time.sleep(8)


@pytest.fixture
def index() -> Iterator[Callable[[Answer], str]]:
    with servers() as start:
        yield lambda answer: f"http://{start(answer)}/simple"


@pytest.mark.parametrize("answer", [lies, halves, breaks, stalls])
@pytest.mark.parametrize(("engine", "python"), [(resolvelib, PYTHON_27), (uv, PYTHON_36)])
def test_index_failing_exits_with_3_and_names_only_the_host(
    engine: ModuleType,
    python: TargetInterpreter,
    answer: Answer,
    index: Callable[[Answer], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", "2")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    address = index(answer)
    with pytest.raises(LockError) as failure:
        engine.compile_requirements(question(python, "six", index=address))
    assert failure.value.status == 3
    assert failure.value.diagnostic.code == "RS504"
    message = failure.value.diagnostic.message
    assert "/simple" not in message
    # The pages of the index that lies are complete; its file is not what they describe.
    assert answer is lies or message.endswith(f"(from {urlsplit(address).netloc})")


@pytest.mark.parametrize("python", ["2.7", "3.6"])
def test_index_down_keeps_lock(python: str, tmp_path: Path, rigspec: Callable[..., object]) -> None:
    spec = tmp_path / "rig.toml"
    text = f"""
rig = 1
name = "lab"
[env.lab]
python = "{python}"
interpreter = "pyenv"
packages = {{ six = "*" }}
[mirrors]
pypi = "http://127.0.0.1:9/simple"
"""
    spec.write_text(text)
    old = tmp_path / "lockfiles" / "lab"
    old.mkdir(parents=True)
    (old / "rig.lock").write_text("the old lock")

    done = rigspec("lock", str(spec))

    assert done.returncode == 3  # type: ignore[attr-defined]
    assert "RS504" in done.stderr  # type: ignore[attr-defined]
    assert (old / "rig.lock").read_text() == "the old lock"
    assert sorted(p.name for p in old.iterdir()) == ["rig.lock"]


OLD_SPEC = """
rig = 1
name = "lab"
[env.lab]
python = "3.6"
interpreter = "pyenv"
packages = {{ {package} }}
"""


def test_lock_with_unreadable_requirement_uses_resolvelib(
    tmp_path: Path, rigspec: Callable[..., Any]
) -> None:
    """The wheels of pandas 0.22 require `pytz (>=2011k)`, which uv does not read."""
    spec = tmp_path / "rig.toml"
    spec.write_text(OLD_SPEC.format(package='pandas = "==0.22.0"'))
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert 'engine = "resolvelib"' in (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")

    done = rigspec("lock", spec, "-o", tmp_path / "by-uv", "--engine", "uv")
    assert done.returncode == 1, done.stderr
    assert "error[RS506]" in done.stderr
    assert not (tmp_path / "by-uv").exists()


def test_lock_with_unbuildable_metadata_uses_uv(
    tmp_path: Path, rigspec: Callable[..., Any]
) -> None:
    """The setup.py of absl-py 0.2.2 takes a Python with two digits after the dot for an old one."""
    spec = tmp_path / "rig.toml"
    spec.write_text(OLD_SPEC.format(package='absl-py = "==0.2.2"'))
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert 'engine = "uv"' in (tmp_path / "lock" / "rig.lock").read_text(encoding="utf-8")
    locked = (tmp_path / "lock" / "lab.requirements.txt").read_text(encoding="utf-8")
    # A requirement of the archive.
    assert "six==" in locked
