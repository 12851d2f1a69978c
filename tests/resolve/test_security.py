"""Parts of a rig that would give the machine away."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.resolve.rigs import check, errors


def download(to: str) -> str:
    return (
        '[machine.box]\nos = "ubuntu 24.04"\n[download.tool]\nurl = "https://example.org/tool"\n'
        f'sha256 = "{"0" * 64}"\nto = "{to}"\n'
    )


@pytest.mark.parametrize(
    "to", ["/usr/bin/sudo", "/bin/sh", "/lib/x86_64-linux-gnu/libc.so.6", "/boot/vmlinuz"]
)
def test_download_into_folder_of_system_is_refused(to: str, tmp_path: Path) -> None:
    report = check(tmp_path, download(to))

    assert errors(report) == ["RS410"]
    assert [span.line for d in report.diagnostics for span in d.spans] == [8]


@pytest.mark.parametrize(
    "to",
    [
        *("/etc/cron.d/job", "/etc/cron.daily/job", "/etc/crontab", "/etc/anacrontab"),
        *("/var/spool/cron/crontabs/root", "/var/spool/at/a01", "/etc/systemd/system/x.service"),
        *("/etc/init.d/x", "/etc/udev/rules.d/x.rules", "/etc/sudoers.d/x", "/etc/passwd"),
    ],
)
def test_download_that_root_would_run_is_refused(to: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec) as refused:
        parse_spec("rig.toml", f'rig = 1\nname = "x"\n{download(to)}')
    (found,) = refused.value.diagnostics
    assert "cron and systemd" in found.message


@pytest.mark.parametrize("to", ["/etc/systemd.conf.d/x", "/var/spool/tool", "/etc/crontab.tool"])
def test_download_with_a_similar_path_is_accepted(to: str, tmp_path: Path) -> None:
    assert errors(check(tmp_path, download(to))) == []


@pytest.mark.parametrize("to", ["/opt/tool", "/usr/local/bin/tool", "/srv/data", "/etc/tool.conf"])
def test_download_into_local_folder_is_accepted(to: str, tmp_path: Path) -> None:
    assert errors(check(tmp_path, download(to))) == []


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("init=/bin/sh", ["RS411"]),
        ("rd.break", ["RS411"]),
        ("systemd.debug-shell=1", ["RS411"]),
        ("single", ["RS411"]),
        ("intel_iommu=off", []),
        ("initcall_debug", []),
    ],
)
def test_kernel_argument_that_opens_the_machine_is_refused(
    argument: str, code: list[str], tmp_path: Path
) -> None:
    machine = f'[machine.box]\nos = "ubuntu 24.04"\nkernel_args = ["{argument}"]\n'

    assert errors(check(tmp_path, machine)) == code
