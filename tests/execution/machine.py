"""A real machine under QEMU: boots a disk through GRUB, a NoCloud seed and a folder beside it."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.execution.ec2_instance import Instance
from tests.execution.machine_image import make_filesystem

# No boot may hang a test run: QEMU is ended after so many seconds, whatever it does.
_LIFE = 5400
_BOOT = 1200
ATTACHED = "/mnt/attached"


@dataclass(frozen=True)
class MachineResult:
    """What a command inside the machine said."""

    status: int
    out: str
    err: str


class Machine:
    """A running machine; commands are run inside it as root, with or without a network."""

    def __init__(self, folder: Path, agent: socket.socket, attached: bool = False) -> None:
        self._folder = folder
        self._agent = agent
        self._attached = attached
        self._pending = b""
        self._last_id = 0
        self.boot = ""

    def run(self, *command: str, check: bool = True, timeout: int = 120) -> MachineResult:
        """Run a command inside; ``timeout`` in seconds of the machine."""
        self._last_id += 1
        question = {"id": self._last_id, "command": command, "timeout": timeout}
        self._agent.sendall(json.dumps(question).encode() + b"\n")
        deadline = time.monotonic() + timeout + 60
        while True:
            answer = self._next(deadline)
            if answer.get("id") == self._last_id:
                break
        out, err = (
            base64.b64decode(answer[key]).decode(errors="replace") for key in ("out", "err")
        )
        reply = MachineResult(answer["status"], out, err)
        if check:
            assert reply.status == 0, (command, reply.out, reply.err, self.console()[-3000:])
        return reply

    def wait_for_boot(self, timeout: int = _BOOT) -> str:
        """Wait until the machine has come up again; the id of that boot."""
        deadline = time.monotonic() + timeout
        before = self.boot
        while self.boot == before:
            reply = self._next(deadline)
            self.boot = reply.get("boot", self.boot)
        if self._attached:
            self.run("mkdir", "-p", ATTACHED)
            self.wait_until("mount", "-o", "ro", "-L", "attached", ATTACHED, timeout=60)
        return self.boot

    def reboot(self) -> str:
        """Restart the machine from inside, and wait for it."""
        self.run("systemd-run", "--on-active=1", "systemctl", "reboot")
        return self.wait_for_boot()

    def wait_until(self, *command: str, timeout: int = 600) -> MachineResult:
        """Ask again and again until the command succeeds."""
        deadline = time.monotonic() + timeout
        while (reply := self.run(*command, check=False)).status != 0:
            assert time.monotonic() < deadline, f"{command}: {reply}\n{self.console()[-3000:]}"
            time.sleep(2)
        return reply

    def console(self) -> str:
        """What stood on the first serial port since the machine was switched on."""
        return (self._folder / "console.log").read_text(encoding="utf-8", errors="replace")

    def _next(self, deadline: float) -> dict[str, str | int]:
        """The next line that the agent wrote; what else comes over the port is passed over."""
        while True:
            line, newline, rest = self._pending.partition(b"\n")
            if newline:
                self._pending = rest
                if line.startswith(b"{") and line.rstrip().endswith(b"}"):
                    return json.loads(line)
                continue
            left = deadline - time.monotonic()
            assert left > 0, f"the machine does not answer\n{self.console()[-4000:]}"
            self._agent.settimeout(left)
            try:
                data = self._agent.recv(65536)
            except TimeoutError:
                continue
            assert data, f"the machine was switched off\n{self.console()[-4000:]}"
            self._pending += data


@contextmanager
def booted(
    image: Path,
    folder: Path,
    seed: Path | None = None,
    attached: Path | None = None,
    forwards: Mapping[int, int] | None = None,
    instance: Instance | None = None,
) -> Iterator[Machine]:
    """A machine that boots a layer over ``image``, kept in ``folder``: booted again with the same
    folder it has what was written before.

    ``seed`` holds user-data and meta-data, and what else NoCloud reads; ``attached`` is a folder
    that is found read-only under ATTACHED; ``forwards`` are ports of this host that lead to ports
    of the machine; an ``instance`` has the firmware and the metadata service of its provider. The
    console is kept in ``folder/console.log``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    disk = folder / "disk.qcow2"
    if not disk.exists():
        _run("qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "raw", disk)
    drives = [f"file={disk},if=virtio,format=qcow2,cache=unsafe"]
    if seed is not None:
        drives.append(f"file={_seed_image(seed, folder)},if=virtio,format=raw,readonly=on")
    if attached is not None:
        drives.append(f"file={_attached_image(attached, folder)},if=virtio,format=raw,readonly=on")
    # The address of a local socket is short: a test's own folder may be too deep for it.
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    led = [f"hostfwd=tcp:127.0.0.1:{own}-:{inside}" for own, inside in (forwards or {}).items()]
    network = ",".join(("user", "model=virtio-net-pci", *led))
    devices = ["-nic", network] if instance is None else instance.list_options(network)
    qemu = _start(folder, drives, listener.getsockname()[1], devices)
    try:
        listener.settimeout(60)
        agent, _ = listener.accept()
        machine = Machine(folder, agent, attached is not None)
        machine.wait_for_boot()
        yield machine
        agent.close()
    finally:
        listener.close()
        qemu.terminate()
        qemu.wait(30)


def accelerators() -> tuple[str, ...]:
    """What QEMU is to try, best first: the device alone does not say that KVM works."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if Path("/dev/kvm").exists() and re.search(r"\b(vmx|svm)\b", flags):
        return ("kvm", "tcg,thread=multi")
    return ("tcg,thread=multi",)


def _start(
    folder: Path, drives: list[str], port: int, devices: list[str]
) -> subprocess.Popen[bytes]:
    options = [word for drive in drives for word in ("-drive", drive)]
    options += [word for name in accelerators() for word in ("-accel", name)]
    command = [
        *("timeout", "--kill-after=10", str(_LIFE), "qemu-system-x86_64", "-nodefaults"),
        *("-display", "none", "-cpu", "max", "-smp", "2", "-m", "2048"),
        *(*devices, "-device", "virtio-rng-pci"),
        *("-serial", f"file:{folder / 'console.log'}"),
        *("-chardev", f"socket,id=agent,host=127.0.0.1,port={port},server=off"),
        *("-serial", "chardev:agent", *options),
    ]
    with open(folder / "qemu.log", "wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _seed_image(seed: Path, folder: Path) -> Path:
    """The seed as the disk that NoCloud looks for by its label."""
    image = folder / "seed.iso"
    options: list[str | Path] = []
    for name, option in (("network-config", "--network-config"), ("vendor-data", "--vendor-data")):
        if (seed / name).exists():
            options += [option, seed / name]
    _run("cloud-localds", *options, image, seed / "user-data", seed / "meta-data")
    return image


def _attached_image(attached: Path, folder: Path) -> Path:
    image = folder / "attached.img"
    image.unlink(missing_ok=True)
    size = sum(path.stat().st_size for path in attached.rglob("*") if path.is_file())
    make_filesystem(attached, image, "attached", 2 * size + 16 * 1024**2)
    return image


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
