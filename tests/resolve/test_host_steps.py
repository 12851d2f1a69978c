"""What no step installs on the host: check refuses it, and the remedies of the help work."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Report, Severity
from rigspec.lock.dnf.distribution import find_dnf_distribution
from rigspec.matrix.loader import load_matrix
from tests.resolve.rigs import check, errors


def rig(
    os: str = "rocky 9", machine: str = 'gpus = ["RTX 4090"]\ndriver = "none"', rest: str = ""
) -> str:
    return f'[machine.box]\nos = "{os}"\n{machine}\n{rest}'


def refused(report: Report) -> list[tuple[int, str]]:
    """Return the line and the help of each error."""
    found = [d for d in report.diagnostics if d.code == "RS255"]
    assert errors(report) == ["RS255"] * len(found)
    assert (report.resolution is None) is bool(found)
    return [(d.spans[0].line, d.help[0]) for d in found]


OTHER_SYSTEMS = ["rocky 8", "rhel 8", "oracle 9", "amazon 2023"]
WITH_DNF = ["rocky 9", "rocky 10", "almalinux 9", "almalinux 10", "rhel 9", "rhel 10"]


@pytest.mark.parametrize("os", OTHER_SYSTEMS)
@pytest.mark.parametrize("source", ["nvidia", "runfile"])
def test_driver_of_requested_source_on_host_without_packages_is_refused_at_its_line(
    source: str, os: str, tmp_path: Path
) -> None:
    driver = f'gpus = ["RTX 4090"]\ndriver = {{ from = "{source}" }}'

    ((found, remedy),) = refused(check(tmp_path, rig(os, driver)))

    assert found == 6
    assert 'from = "none"' in remedy
    assert refused(check(tmp_path, rig(os))) == []


@pytest.mark.parametrize("os", OTHER_SYSTEMS)
@pytest.mark.parametrize(("driver", "line"), [("", 5), ('driver = ">=570"', 6)])
def test_driver_without_source_on_host_without_packages_is_refused_at_its_line(
    driver: str, line: int, os: str, tmp_path: Path
) -> None:
    ((found, remedy),) = refused(check(tmp_path, rig(os, f'gpus = ["RTX 4090"]\n{driver}')))

    assert found == line
    assert 'from = "none"' in remedy


@pytest.mark.parametrize("os", WITH_DNF)
@pytest.mark.parametrize("driver", ["", 'driver = ">=580"', 'driver = { from = "nvidia" }'])
def test_driver_on_host_with_dnf_comes_from_nvidia(driver: str, os: str, tmp_path: Path) -> None:
    report = check(tmp_path, rig(os, f'gpus = ["RTX 4090"]\n{driver}'))

    assert refused(report) == []
    assert report.resolution is not None
    assert report.resolution.driver_source == "nvidia"


@pytest.mark.parametrize(
    ("os", "driver", "kept"),
    [("rocky 9", "470", "535"), ("rocky 10", "535", "580"), ("rhel 10", "570", "580")],
)
def test_driver_older_than_repository_for_rpm_is_refused(
    os: str, driver: str, kept: str, tmp_path: Path
) -> None:
    machine = 'gpus = ["RTX 3090"]\ndriver = {{ version = "{}", from = "nvidia" }}'

    assert "RS216" in errors(check(tmp_path, rig(os, machine.format(driver))))
    assert errors(check(tmp_path, rig(os, machine.format(kept)))) == []


@pytest.mark.parametrize(("os", "oldest"), [("almalinux 9", "12.0"), ("rocky 10", "13.0")])
def test_packaged_toolkit_on_host_with_dnf_serves_since_the_repository_has_it(
    os: str, oldest: str, tmp_path: Path
) -> None:
    cuda = '[cuda]\ntoolkit = "{}"\nprovider = "nvidia"\n'

    assert errors(check(tmp_path, rig(os, rest=cuda.format(oldest)))) == []
    assert "RS216" in errors(check(tmp_path, rig(os, rest=cuda.format("11.8"))))


def test_driver_from_runfile_is_refused_and_other_sources_serve(tmp_path: Path) -> None:
    machine = 'gpus = ["RTX 4090"]\ndriver = {{ from = "{}" }}'
    ((line, remedy),) = refused(check(tmp_path, rig("ubuntu 24.04", machine.format("runfile"))))

    assert line == 6
    assert remedy.startswith("remove `from`, or ")
    assert refused(check(tmp_path, rig("ubuntu 24.04", 'gpus = ["RTX 4090"]'))) == []
    for source in ("nvidia", "distribution"):
        assert refused(check(tmp_path, rig("ubuntu 24.04", machine.format(source)))) == []


@pytest.mark.parametrize(
    ("cuda", "line"),
    [('toolkit = "12.6"\n', 7), ('toolkit = "12.6"\nprovider = "nvidia"\n', 9)],
)
def test_packaged_toolkit_on_host_without_apt_is_refused_and_runfile_serves(
    cuda: str, line: int, tmp_path: Path
) -> None:
    ((found, remedy),) = refused(check(tmp_path, rig("rocky 8", rest=f"[cuda]\n{cuda}")))

    assert (found, remedy.partition(",")[0]) == (line, 'set `provider = "runfile"` in `[cuda]`')
    runfile = '[cuda]\ntoolkit = "12.6"\nprovider = "runfile"\n'
    assert refused(check(tmp_path, rig("rocky 8", rest=runfile))) == []


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ('[system]\npackages = ["htop"]\n', 8),
        ("[service.ssh]\n", 7),
        ('[env.lab]\npython = "3.12"\n[service.jupyter]\nenv = "lab"\ntls = true\n', 11),
    ],
)
@pytest.mark.parametrize("os", ["rocky 8", "rhel 8"])
def test_packages_and_services_on_host_without_packages_are_refused(
    os: str, table: str, line: int, tmp_path: Path
) -> None:
    found = refused(check(tmp_path, rig(os, rest=table)))

    assert line in [line for line, _ in found]
    for other in ("debian 13", *WITH_DNF):
        assert "RS255" not in errors(check(tmp_path, rig(other, rest=table)))


@pytest.mark.parametrize("os", WITH_DNF)
@pytest.mark.parametrize("table", ["[service.monitoring]\n", "[service.ssh]\nfail2ban = true\n"])
def test_service_of_unknown_packages_on_host_with_dnf_is_refused(
    table: str, os: str, tmp_path: Path
) -> None:
    ((line, remedy),) = refused(check(tmp_path, rig(os, rest=table)))

    assert line in (7, 8)
    assert "set it up by hand" in remedy


@pytest.mark.parametrize("os", WITH_DNF)
def test_other_port_of_sshd_on_host_with_selinux_is_refused(os: str, tmp_path: Path) -> None:
    table = "[service.ssh]\nport = 2222\n"

    found = refused(check(tmp_path, rig(os, rest=table)))

    assert found == [(8, "remove `port` or set it to 22")]
    assert refused(check(tmp_path, rig("debian 13", rest=table))) == []


@pytest.mark.parametrize("os", [os for os in WITH_DNF if not os.startswith("rhel")])
def test_system_with_package_manager_has_repositories(os: str) -> None:
    distribution = find_dnf_distribution(load_matrix(), os, "x86_64")

    assert distribution is not None
    assert [r.url.rpartition(os.split()[1])[2] for r in distribution.repositories] == [
        "/BaseOS/x86_64/os",
        "/AppStream/x86_64/os",
    ]


def test_systems_with_dnf_are_those_of_the_repositories() -> None:
    matrix = load_matrix()

    named = {r.label for r in matrix.product("os").releases if r.get("package_manager") == "dnf"}

    assert named == {release.label for release in matrix.product("dnf").releases} == {*WITH_DNF}


def test_python_of_pyenv_on_host_with_known_packages_serves(tmp_path: Path) -> None:
    env = '[env.lab]\npython = "3.12"\ninterpreter = "pyenv"\n'

    for os in ("rocky 9", "almalinux 9"):
        assert refused(check(tmp_path, rig(os, rest=env))) == []


@pytest.mark.parametrize(("os", "kind"), [("rocky 10", "pyenv"), ("rocky 8", "system")])
def test_interpreter_that_needs_packages_is_refused_and_remedies_serve(
    os: str, kind: str, tmp_path: Path
) -> None:
    env = '[env.lab]\npython = "3.12"\ninterpreter = "{}"\n'

    report = check(tmp_path, rig(os, rest=env.format(kind)))

    assert refused(report) == [(9, 'set `interpreter = "uv"` or "conda" in `[env.lab]`')]
    for remedy in ("uv", "conda"):
        assert refused(check(tmp_path, rig(os, rest=env.format(remedy)))) == []


@pytest.mark.parametrize(("os", "python"), [("rocky 9", "3.12"), ("rhel 9", "3.13")])
def test_free_interpreter_of_another_python_is_that_of_uv(
    os: str, python: str, tmp_path: Path
) -> None:
    report = check(tmp_path, rig(os, rest=f'[env.lab]\npython = "{python}"\n'))

    assert report.resolution is not None
    assert report.resolution.envs[0].interpreter == "uv"


@pytest.mark.parametrize(
    ("os", "python"), [("rocky 9", "3.9"), ("rocky 10", "3.12"), ("rhel 10", "3.12")]
)
def test_python_of_the_system_serves_on_host_without_apt(
    os: str, python: str, tmp_path: Path
) -> None:
    env = f'[env.lab]\npython = "{python}"\ninterpreter = "system"\n'

    assert refused(check(tmp_path, rig(os, rest=env))) == []


def test_unknown_service_on_host_with_apt_is_refused(tmp_path: Path) -> None:
    ((line, _),) = refused(check(tmp_path, rig("ubuntu 16.04", "", "[service.monitoring]\n")))

    assert line == 6


def test_session_without_environment_is_refused_where_the_system_has_no_loader(
    tmp_path: Path,
) -> None:
    session = '[service.tmux.work]\n[[service.tmux.work.windows]]\nname = "a"\n'

    ((line, remedy),) = refused(check(tmp_path, rig("ubuntu 16.04", "", session)))

    assert (line, remedy) == (6, "set `env` in a session")


def test_toolkit_of_a_framework_is_refused_at_the_line_of_the_system(tmp_path: Path) -> None:
    machine = '[machine.box]\nos = "amazon 2023"\ngpus = ["L4"]\ndriver = "none"\n'
    report = check(tmp_path, f'{machine}[env.lab]\npackages = {{ onnxruntime-gpu = "*" }}\n')
    (error,) = (each for each in report.diagnostics if each.severity is Severity.ERROR)
    assert (error.code, error.spans[0].line) == ("RS255", 4)
    assert error.message.startswith("the packages of CUDA ")
