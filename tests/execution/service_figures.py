"""The figures of a machine, asked for as its user does: through the secure shell."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.execution.roots import SystemRoot
from tests.execution.test_ssh import a_port, answered, running

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


def check_metrics_through_ssh(
    rigspec: Rigspec, rig: Path, root: SystemRoot, ports: dict[str, int]
) -> None:
    """What `connect` prints, typed: the exporter and Prometheus answer on the loopback alone."""
    result = rigspec("connect", rig / "rig.toml", "--host", "127.0.0.1", "--format", "json")
    rows = {row["service"]: row for row in json.loads(result.stdout)["connections"]}
    root.run("install", "-d", "-m", "0755", "/run/sshd")
    figures = root.path / "var/lib/prometheus/node-exporter/rig-gpu.prom"
    root.run("sh", "/opt/rig/lock/gpu_metrics.sh", "/var/lib/prometheus/node-exporter/rig-gpu.prom")
    with (
        running(root, "/usr/sbin/sshd", "-D", "-e"),
        started(root, "prometheus-node-exporter"),
        started(root, "prometheus"),
    ):
        logged_in = answered(ports["ssh"], "-i", str(rig / "key"), "ada@127.0.0.1")
        assert logged_in.stdout == "ada\n", logged_in.stderr
        _check_metrics(rows, rig, ports)
    figures.unlink()
    root.run("promtool", "check", "config", "/etc/rig/prometheus.yml")


def _check_metrics(rows: dict[str, Any], rig: Path, ports: dict[str, int]) -> None:
    with (
        forwarded(rows["exporter"], ports["exporter"], rig / "key") as exporter,
        forwarded(rows["prometheus"], ports["prometheus"], rig / "key") as prometheus,
    ):
        output = answer(exporter)
        assert "node_textfile_scrape_error 0" in output
        assert "rig_gpu_up 0" in output  # there is no nvidia-smi
        assert answer(f"{prometheus}-/ready").startswith("Prometheus")
        assert _list_scraped_jobs(prometheus) == {
            f"http://127.0.0.1:{ports[name]}/metrics" for name in ("exporter", "prometheus")
        }
        listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True)
        for name in ("exporter", "prometheus"):
            local = [line.split()[3] for line in listening.stdout.splitlines()]
            assert [each for each in local if each.endswith(f":{ports[name]}")] == [
                f"127.0.0.1:{ports[name]}"
            ]


def _list_scraped_jobs(prometheus: str) -> set[str]:
    """Whom it asks: it takes some seconds until it says so."""
    for _ in range(60):
        targets = json.loads(answer(f"{prometheus}api/v1/targets"))["data"]["activeTargets"]
        if targets:
            break
        time.sleep(0.5)
    return {target["scrapeUrl"] for target in targets}


@contextmanager
def started(root: SystemRoot, unit: str) -> Iterator[None]:
    """The command of a package's unit with what the rig's drop-in gives it."""
    text = (root.path / f"lib/systemd/system/{unit}.service").read_text("utf-8")
    (start,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert start.endswith(" $ARGS")
    drop_in = (root.path / f"etc/systemd/system/{unit}.service.d/rig.conf").read_text("utf-8")
    (arguments,) = [line for line in drop_in.splitlines() if line.startswith('Environment="ARGS=')]
    program = start.partition("=")[2].removesuffix(" $ARGS")
    words = (program, *arguments.partition("ARGS=")[2].rstrip('"').split())
    with running_as(root, "prometheus", "/var/lib/prometheus", words):
        yield


@contextmanager
def running_as(
    root: SystemRoot, account: str, folder: str, command: Sequence[str]
) -> Iterator[None]:
    """A command of an account, in a folder.

    No process stands between: who changes the account is no longer ended with its parent.
    """
    ids = ("setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups")
    process = subprocess.Popen(
        ["chroot", root.path, *ids, "env", "-i", f"--chdir={folder}", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def forwarded(row: dict[str, object], port: int, key: Path) -> Iterator[str]:
    """The command as it was printed, but for its port: the client is the same machine."""
    own = a_port()
    command = str(row["line"]).replace(f"-L 127.0.0.1:{port}:", f"-L 127.0.0.1:{own}:")
    options = f"-F none -i '{key}' -o BatchMode=yes -o StrictHostKeyChecking=no "
    options += "-o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes"
    shell = command.replace("ssh ", f"exec ssh {options} ", 1)
    process = subprocess.Popen(["sh", "-c", shell], stderr=subprocess.DEVNULL)
    try:
        yield str(row["url"]).replace(f":{port}/", f":{own}/")
    finally:
        process.terminate()
        process.wait()


def answer(url: str) -> str:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=10) as output:
                return str(output.read().decode())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {url}")
