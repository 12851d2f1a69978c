"""Run inside a system: every fault on a machine of its own, and what the doctor says of it.

Each trial is a process with folders laid over those of the system, which stay as they are. It reads
`faults.json`, a list of scripts that break the machine and scripts that fix what no step
fixes, and writes `found.json`.
"""

import contextlib
import ctypes
import importlib
import io
import json
import os
import pickle
import subprocess
import sys

from rigspec.cli.main import main

command = importlib.import_module("rigspec.cli.doctor")
for part in ("doctor.diagnose", "doctor.fixes", "doctor.render", "backend.render"):
    importlib.import_module(f"rigspec.{part}")

FOLDERS = ("boot", "etc", "home", "opt", "root", "run", "srv", "sys", "tmp", "usr", "var")
NEW_MOUNTS = 0x20000
LAYERS = "mount -t tmpfs none /mnt\n" + "\n".join(
    f"mkdir -p /mnt/{name} /mnt/{name}.work\nmount -t overlay overlay /{name} "
    f"-o lowerdir=/{name},upperdir=/mnt/{name},workdir=/mnt/{name}.work"
    for name in FOLDERS
)
UNITS = "rig-every.service fstrim.timer rig-notebook-ada.service"


def shell(script):
    done = subprocess.run(
        ["bash", "-ec", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def apart(work):
    """What `work` returns, from a process of its own: nothing that it remembers stays."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        try:
            result = work()
        except BaseException as error:
            result = {"broken": repr(error)}
        with os.fdopen(writing, "w") as out:
            json.dump(result, out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as output:
        result = json.load(output)
    os.wait()
    return result


def run_doctor(*options):
    out, errors = io.StringIO(), io.StringIO()
    sys.argv = ["rigspec", "doctor", "rig.toml", *options]
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as error:
            code = error.code
    return {"code": code, "output": out.getvalue(), "errors": errors.getvalue()}


def doctor():
    """The command line, each of its three ways; all of them look at the same machine."""
    return {
        "json": run_doctor("--format", "json"),
        "text": run_doctor(),
        "fix": run_doctor("--fix"),
    }


def trial(fault):
    ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS)
    start = "".join(f"systemctl start {unit}\n" for unit in UNITS.split())
    code, output = shell(f"{LAYERS}\n{stand_ins}\n{start}\n{fault['plant']}")
    if code != 0:
        return {"broken": output}
    found = {"planted": apart(doctor)}
    if fault["repair"] is not None:
        fix = found["planted"]["fix"]["output"]
        code, output = shell(f"PATH=/root/rig:$PATH\n{fault['repair']}\n{fix}")
        found["repair_error"] = output if code else None
        found["repaired"] = apart(doctor)
    shell("".join(f"systemctl stop {unit}\n" for unit in UNITS.split()))
    return found


with open("/srv/plan", "rb") as file:
    plan = pickle.load(file)
command._build_plan = lambda *_: plan
with open("/srv/faults.json") as file:
    stand_ins, faults = json.load(file)
found = [apart(lambda fault=fault: trial(fault)) for fault in faults]
with open("/srv/found.json", "w") as file:
    json.dump(found, file)
