"""The uv engine on an index on loopback: which releases it chooses, and which files it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from rigspec.lock.python.engines import uv
from rigspec.lock.python.engines.process import run_engine
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import read_pins
from rigspec.lock.python.target_interpreter import TargetInterpreter
from rigspec.matrix.loader import load_matrix
from tests.lock.http_server import Serve, send, servers
from tests.lock.python_index import Releases, Wheel, serve_index

PYTHON_312 = TargetInterpreter("3.12", (2, 39), "x86_64", "24.0")
PYTHON_39 = TargetInterpreter("3.9", (2, 39), "x86_64", "24.0")
SOURCE = Wheel(source=True)
# The pip of an environment with Python 3.12.
PIP = load_matrix().product("pip").releases[-1].version

Rigspec = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_NO_CACHE", "1")
    for variable in ("RIGSPEC_NVIDIA", "RIGSPEC_APT_UBUNTU"):
        monkeypatch.setenv(variable, "")


@pytest.fixture
def start() -> Iterator[Serve]:
    with servers() as started:
        yield started


@pytest.fixture
def lock(start: Serve) -> Callable[..., Mapping[str, str]]:
    def run(
        releases: Releases, *requirements: str, target: TargetInterpreter = PYTHON_312
    ) -> Mapping[str, str]:
        address = serve_index(start, releases)
        request = ResolveRequest("lab", requirements, target, (), address)
        return {p.name: str(p.version) for p in read_pins(uv.compile_requirements(request))}

    return run


def test_lock_without_targets_python_downloads_none(
    start: Serve,
    lock: Callable[..., Mapping[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """uv downloads a Python that is not on the machine unless it is given another one."""
    requested = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        requested.append(request.path)
        send(request, b"", 404)

    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", f"http://{start(answer)}")
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "pythons"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lock({"tool": {"1.0": Wheel()}}, "tool", target=PYTHON_39) == {"tool": "1.0"}
    assert requested == []


@pytest.mark.parametrize(
    ("releases", "chosen"),
    [
        ({"1.0": Wheel(), "1.1": SOURCE}, "1.0"),
        # A source archive, where the wheels are those of pre-releases years ago.
        ({"0.3.1.dev5": Wheel(), "0.19.8": SOURCE}, "0.19.8"),
        ({"0.3.1rc1": Wheel(), "0.3.0": SOURCE, "0.19.8": SOURCE}, "0.19.8"),
        ({"1.0rc1": Wheel(), "1.0rc2": SOURCE}, "1.0rc1"),
    ],
)
def test_lock_prefers_wheel_of_release_to_source_archive(
    releases: Mapping[str, Wheel], chosen: str, lock: Callable[..., Mapping[str, str]]
) -> None:
    assert lock({"tool": releases}, "tool")["tool"] == chosen


def test_lock_keeps_a_source_archive_if_its_wheels_make_a_requested_package_older(
    lock: Callable[..., Mapping[str, str]],
) -> None:
    """As sglang 0.5.23 on Python 3.13, where wheels of outlines-core fit sglang 0.5.2 alone."""
    releases = {
        "serving": {"1.0": Wheel(), "2.0": Wheel(["grammar==0.2", "plain"])},
        "grammar": {"0.1": Wheel(), "0.2": SOURCE},
        "plain": {"1.0": Wheel(), "1.1": SOURCE},
    }
    assert lock(releases, "serving") == {"serving": "2.0", "grammar": "0.2", "plain": "1.0"}


def test_lock_excludes_all_releases_for_other_pythons_at_once(
    lock: Callable[..., Mapping[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv ignores the upper bound on Python, as coqui-tts has it in dozens of releases."""
    runs = []

    def count(*words: Any) -> Any:
        runs.append(words)
        return run_engine(*words)

    monkeypatch.setattr(uv, "run_engine", count)
    bounded = {f"1.{minor}": Wheel(python="<3.12") for minor in range(25)}
    found = lock({"tool": {"0.9": Wheel(), **bounded, "2.0rc1": Wheel()}}, "tool")
    assert found == {"tool": "0.9"}
    assert len(runs) == 2


def test_lock_takes_prereleases_only_where_they_are_required(
    lock: Callable[..., Mapping[str, str]],
) -> None:
    """As opentelemetry-sdk, which requires a package that has only ever had pre-releases."""
    releases = {
        "telemetry": {"1.0": Wheel(["conventions==0.2b1", "plain"]), "2.0rc1": Wheel()},
        "conventions": {"0.1b1": Wheel(), "0.2b1": Wheel()},
        "plain": {"1.0": Wheel(), "2.0rc1": Wheel()},
    }
    assert lock(releases, "telemetry") == {
        "telemetry": "1.0",
        "conventions": "0.2b1",
        "plain": "1.0",
    }


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ({"setuptools": {"70.0": Wheel()}, "wheel": {"0.40": Wheel()}}, "player 2.0, codec 1.0"),
        # Nothing builds it: an older release is taken that does without.
        ({}, "player 1.0"),
    ],
)
def test_lock_reads_archive_whose_metadata_does_not_build(
    tools: Releases, expected: str, lock: Callable[..., Mapping[str, str]]
) -> None:
    """As audiocraft, whose av 11 needs the headers of FFmpeg to state its requirements."""
    codec = Wheel(["arrays<2"], source=True, setup="raise SystemExit('no headers of FFmpeg')")
    found = lock(
        {
            **tools,
            "player": {"1.0": Wheel(["arrays"]), "2.0": Wheel(["codec==1.0", "arrays"])},
            "codec": {"1.0": codec},
            "arrays": {"1.5": Wheel(), "2.0": Wheel()},
        },
        "player",
    )
    assert found["arrays"] == ("1.5" if "codec" in found else "2.0")
    names = [name for name in ("player", "codec") if name in found]
    assert ", ".join(f"{name} {found[name]}" for name in names) == expected


SPEC = """
rig = 1
name = "lab"
[machine.box]
os = "ubuntu 24.04"
gpus = [{{ model = "RTX 4090" }}]
[env.lab]
python = "3.12"
interpreter = "pyenv"
packages = {{ {packages} }}
[mirrors]
pypi = "{address}"
"""


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        # The newest torch is not chosen before a package that requires another.
        ("serving", {"serving": "2.0", "torch": "2.8.0"}),
        # As uv, which chooses in the order of its requirements.
        ("serving torch", {"serving": "2.0", "torch": "2.8.0"}),
        ("torch serving", {"serving": "1.0", "torch": "2.9.1"}),
        ("serving arrays", {"serving": "2.0", "arrays": "1.5"}),
        ("arrays serving", {"serving": "1.0", "arrays": "2.0"}),
        # Nor are the build tools: the newest release requires an older one.
        ("builder", {"builder": "1.0", "setuptools": "70.0"}),
    ],
)
def test_lock_chooses_newest_packages_together(
    packages: str, expected: Mapping[str, str], start: Serve, tmp_path: Path, rigspec: Rigspec
) -> None:
    plain = {"wheel": {"0.40": Wheel()}, "packaging": {"24.0": Wheel()}}
    address = serve_index(
        start,
        {
            **plain,
            "pip": {PIP: Wheel()},
            "setuptools": {"70.0": Wheel(), "80.0": Wheel()},
            "torch": {"2.7.1": Wheel(), "2.8.0": Wheel(), "2.9.1": Wheel()},
            "serving": {"1.0": Wheel(), "2.0": Wheel(["torch==2.8.0", "arrays<2"])},
            "arrays": {"1.5": Wheel(), "2.0": Wheel()},
            "builder": {"1.0": Wheel(["setuptools<75"])},
        },
    )
    listed = ", ".join(f'{name} = "*"' for name in packages.split())
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC.format(packages=listed, address=address), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    text = "".join(
        file.read_text(encoding="utf-8") for file in (tmp_path / "lock" / "box").glob("lab.*.txt")
    )
    locked = {pin.name: str(pin.version) for pin in read_pins(text)}
    assert expected.items() <= locked.items()
