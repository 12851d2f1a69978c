"""The rig that faults are planted in: something of all that the doctor looks at.

The shell installer puts it into a Debian 12 for real. Stand-ins are only what a folder cannot have,
set up by `STAND_INS`: the kernel module, its cards and its library's program; the arguments of the
kernel and a reboot; systemd, of which one program starts, stops and tells, and leaves the rest to
the real `systemctl`. The toolkit and cuDNN are small, but come as a runfile and a tarball do. The
notebook server is a program of a few lines that speaks TLS; what asks it is the rig's own.
"""

from __future__ import annotations

import io
import pickle
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rigspec.plan import steps
from rigspec.plan.model import PayloadFile, Plan
from rigspec.plan.paths import NOTEBOOK_HEALTH, notebook_path
from rigspec.resolution import EnvResolution
from tests.conftest import ROOT
from tests.execution.all_step_kinds import Supplies, every_base, every_plan, write_installer
from tests.execution.conftest import KEPT
from tests.execution.inside import put_rigspec
from tests.lock.signed_archive import Keys

PYTHON = "/opt/rig/envs/lab/bin/python"
CUDA = "/usr/local/cuda-11.8"
PORT = 8443
SECRET = "NOTEBOOK_PASSWORD"
SETTINGS, PASSWORD, CERTIFICATE, KEY = (
    notebook_path("ada", suffix) for suffix in ("json", "password", "crt", "key")
)
SERVER = f"""\
import http.server, ssl

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{{"version": "1"}}')

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("{CERTIFICATE}", "{KEY}")
server = http.server.HTTPServer(("127.0.0.1", {PORT}), Answer)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
UNIT = f"""\
[Unit]
Description=Notebook of ada

[Service]
ExecStart={PYTHON} /opt/rig/lock/server.py

[Install]
WantedBy=multi-user.target
"""
RUNFILE = f"""\
#!/bin/sh
mkdir -p {CUDA}/bin
echo '{{"cuda": {{"name": "CUDA SDK", "version": "11.8.0"}}}}' > {CUDA}/version.json
printf '#!/bin/sh\\necho "Cuda compilation tools, release 11.8, V11.8.89"\\n' > {CUDA}/bin/nvcc
chmod 0755 {CUDA}/bin/nvcc
"""
CUDNN = {
    "include/cudnn.h": "",
    "include/cudnn_version.h": "#define CUDNN_MAJOR 8\n#define CUDNN_MINOR 5\n"
    "#define CUDNN_PATCHLEVEL 0\n",
    "lib64/libcudnn.so.8": "a library\n",
    "lib64/libcudnn.so.7": "an old one\n",
}

_APART = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child")
_MOUNT = """
ip link set lo up
mount --bind "$1" "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
exec chroot "$1" env -i "${@:2}"
"""
_ENVIRONMENT = (
    *("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"),
    *("RIGSPEC_NO_CACHE=1", f"{SECRET}=argon2:of-a-tree"),
)

# In the system, for root: what a folder cannot have. The units run from here on.
STAND_INS = rf"""
set -e
mkdir -p /run/systemd/system /run/units /sys/module
mount -t tmpfs none /proc/driver
mkdir -p /proc/driver/nvidia/gpus/0000:01:00.0 /proc/driver/nvidia/gpus/0000:02:00.0
echo 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.261.03  Mon Jul 28 08:28:39 UTC 2025' \
  > /proc/driver/nvidia/version
printf '#!/bin/sh\necho 535.261.03\necho 535.261.03\n' > /usr/bin/nvidia-smi
chmod 0755 /usr/bin/nvidia-smi
printf '%s\n' "root=/dev/sda1 quiet rig='\$(x)\"" > /run/cmdline
mount --bind /run/cmdline /proc/cmdline
rm -f /var/lib/rig/reboot-due
touch -d @1 /var/lib/rig/reboot
echo yes > /etc/booted
mv /usr/bin/systemctl /usr/bin/systemctl.real
cat > /usr/bin/systemctl <<'END'
#!/bin/bash
# A unit inherits nothing of who starts it.
for open in /proc/$$/fd/*; do
  case ${{open##*/}} in [012] | 255) ;; *) eval "exec ${{open##*/}}>&-" ;; esac
done
case $1 in
  daemon-reload) ;;
  is-active)
    [ -e "/run/units/${{!#}}" ] || {{ echo inactive; exit 3; }}
    [ "$2" = --quiet ] || echo active ;;
  stop)
    if [ -e "/run/units/$2" ]; then
      pid=$(cat "/run/units/$2")
      [ -z "$pid" ] || kill "$pid" 2>/dev/null
      rm "/run/units/$2"
    fi ;;
  start | restart)
    "$0" stop "$2"
    command=$(sed -n 's/^ExecStart=//p' "/etc/systemd/system/$2" 2>/dev/null)
    [ -z "$command" ] || {{ setsid $command >/dev/null 2>&1 </dev/null & }}
    echo "${{command:+$!}}" > "/run/units/$2"
    case $2 in *notebook*)
      for _ in {{1..100}}; do
        (: </dev/tcp/127.0.0.1/{PORT}) 2>/dev/null && break
        kill -0 $! 2>/dev/null || break
        sleep 0.05
      done ;;
    esac ;;
  *) SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl.real "$@" ;;
esac
END
chmod 0755 /usr/bin/systemctl
"""


def installed_rig(folder: Path) -> Path:
    """A Debian 12 with the rig, rigspec beside it, and the plan and the trial in /srv."""
    root = folder / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", every_base(KEPT), root], check=True)
    keys = Keys.made(folder)
    try:
        plan = planted_plan(Supplies(root / "srv", keys))
    finally:
        keys.stop()
    write_installer(plan, root / "root" / "rig")
    run_inside(root, "/root/rig/install.sh")
    put_rigspec(root, KEPT, folder)
    (root / "srv" / "plan").write_bytes(pickle.dumps(plan))
    shutil.copy(ROOT / "tests" / "doctor" / "trial.py", root / "srv")
    return root


def run_inside(root: Path, *command: str) -> None:
    """With a network of its own, and on a disk, as GRUB wants to see it."""
    done = subprocess.run(
        [*_APART, "bash", "-ec", _MOUNT, "-", root, *_ENVIRONMENT, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def planted_plan(supplies: Supplies) -> Plan:
    """The rig with every kind of step, with a machine and a notebook server like those of users."""
    plan = every_plan(supplies)
    resolution = replace(
        plan.resolution,
        machine="box",
        os="debian 12",
        accelerator="cuda",
        driver="535.261.03",
        cuda="11.8.0",
        cudnn="8.5.0.96",
        cudnn_cuda="11.8",
        envs=(EnvResolution("lab", "3.11.2", "23.0.1"),),
    )
    health = (ROOT / "rigspec/plan/services/jupyter/payload" / NOTEBOOK_HEALTH).read_text("utf-8")
    programs = (PayloadFile(NOTEBOOK_HEALTH, health), PayloadFile("server.py", SERVER))
    changed = [new for step in plan.steps for new in _changed(step, supplies)]
    return replace(
        plan,
        rig="planted",
        resolution=resolution,
        steps=tuple(changed),
        payload=(*plan.payload, *programs),
        gpus=2,
        cuda_home="/usr/local/cuda-11.8",
    )


def _changed(step: steps.Step, supplies: Supplies) -> Iterator[steps.Step]:
    match step.id:
        case "driver":
            yield replace(step, layer="driver")
        case "cudnn":
            yield from _toolkit(supplies)
        case "runfile":
            return
        case "settings":
            yield step
            yield from _files()
        case "user-ada":
            yield step
            yield steps.UserStep(id="user-bob", title="Account bob", layer="user", name="bob")
        case "service":
            yield step
            yield steps.ServiceStep(
                id="service-timer", title="A timer", layer="service", name="fstrim.timer"
            )
            yield from _notebook()
        case "variables":
            variables = (
                steps.Variable("RIG", ("planted",), False),
                steps.Variable("LD_LIBRARY_PATH", (f"{CUDA}/lib64",), True),
            )
            path = "/etc/profile.d/rig-planted.sh"
            yield steps.VariablesStep(
                id="variables", title="Variables", layer="session", path=path, variables=variables
            )
        case "verify":
            assert isinstance(step, steps.VerifyStep)
            secret = steps.Check("the secret", ("find", PASSWORD, "-size", "+0"), PASSWORD)
            checks = [
                replace(check, layer="env") if PYTHON in check.command else check
                for check in step.checks
            ]
            yield replace(step, checks=(*checks, secret))
        case _:
            yield step


def _toolkit(supplies: Supplies) -> Iterator[steps.Step]:
    yield steps.InstallerStep(
        id="cuda",
        title="CUDA toolkit",
        layer="cuda",
        file=supplies.file("cuda.run", RUNFILE.encode()),
        arguments=("--silent",),
        creates=f"{CUDA}/bin/nvcc",
    )
    yield steps.ArchiveStep(
        id="cudnn",
        title="cuDNN",
        layer="cuda",
        file=supplies.file("cudnn.tgz", _tarball()),
        to=CUDA,
        strip=1,
        creates=f"{CUDA}/include/cudnn.h",
    )


def _files() -> Iterator[steps.Step]:
    for name, path, content in (
        ("keras", "/etc/skel/.keras/keras.json", '{"backend": "tensorflow"}\n'),
        ("ssh", "/etc/ssh/sshd_config.d/00-rig.conf", "Port 2222\nPasswordAuthentication no\n"),
    ):
        yield steps.FileStep(
            id=f"{name}-settings", title=f"Settings ({name})", layer="settings", path=path,
            content=content,
        )  # fmt: skip


def _notebook() -> Iterator[steps.Step]:
    settings = f'{{"settings": {{"A": {{"port": {PORT}, "certfile": "{CERTIFICATE}"}}}}}}\n'
    titled = {"title": "Notebook of ada", "layer": "notebook"}
    yield steps.CertificateStep(
        id="notebook-ada-certificate", certificate=CERTIFICATE, key=KEY, algorithm="ecdsa:p384",
        days=30, owner="ada", **titled,
    )  # fmt: skip
    yield steps.SecretStep(
        id="notebook-ada-password", name=SECRET, path=PASSWORD, owner="ada", **titled
    )
    yield steps.FileStep(id="notebook-ada-settings", path=SETTINGS, content=settings, **titled)
    yield steps.ServiceStep(
        id="notebook-ada",
        name="rig-notebook-ada.service",
        unit=UNIT,
        needs=("notebook-ada-certificate", "notebook-ada-password", "notebook-ada-settings"),
        restart_on=("notebook-ada-settings",),
        port=PORT,
        variables=(steps.Variable("RIG_NOTEBOOK", (SETTINGS,), False),),
        health=(PYTHON, f"/opt/rig/lock/{NOTEBOOK_HEALTH}"),
        programs=(NOTEBOOK_HEALTH, "server.py"),
        **titled,
    )


def _tarball() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in CUDNN.items():
            member = tarfile.TarInfo(f"cuda/{name}")
            member.size, member.mode, member.mtime = len(text), 0o644, 1_500_000_000
            tar.addfile(member, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("cuda/lib64/libcudnn.so")
        link.type, link.linkname, link.mtime = tarfile.SYMTYPE, "libcudnn.so.8", 1_500_000_000
        tar.addfile(link)
    return out.getvalue()
