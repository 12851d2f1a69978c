"""Faults of services and hardware."""

from __future__ import annotations

from tests.doctor.fault import ANY, CHANGED, UNCHANGED, Fault, differs, extra, missing
from tests.doctor.fixture_rig import CUDA, PORT

NOTEBOOK = "rig-notebook-ada.service"
EVERY = "/etc/systemd/system/rig-every.service"
HEALTH = f"port {PORT}"
KERNEL = "/proc/driver/nvidia/version"
SMI = "/usr/bin/nvidia-smi"
LIBRARIES = f"{CUDA}/lib64"

SERVICES = {
    "a unit edited": Fault(
        f"sed -i s/infinity/60/ {EVERY}", (differs(EVERY, "sha256", ANY, ANY),), ("service",)
    ),
    "a unit that something is laid over": Fault(
        f"mkdir {EVERY}.d; printf '[Service]\\nUser=games\\n' > {EVERY}.d/more.conf",
        (extra(f"{EVERY}.d/more.conf", "drop-in", "changes rig-every.service"),),
        (),
        repair=f"rm -r {EVERY}.d",
    ),
    "a service switched off": Fault(
        "systemctl disable --quiet rig-every.service",
        (differs("rig-every.service", "enabled", "enabled", "disabled"),),
        ("service",),
    ),
    "a service masked": Fault(
        "systemctl mask --quiet fstrim.timer",
        (differs("fstrim.timer", "enabled", "enabled", "masked"),),
        ("service-timer",),
    ),
    "a service stopped": Fault(
        "systemctl stop rig-every.service",
        (differs("rig-every.service", "active", "active", "inactive"),),
        ("service",),
    ),
    "a service that runs and does not answer": Fault(
        f"kill $(cat /run/units/{NOTEBOOK}); sleep 0.2",
        (differs(NOTEBOOK, HEALTH, "responding", ANY),),
        ("notebook-ada",),
    ),
}

# Stand-ins for the files of the kernel and for nvidia-smi.
HARDWARE = {
    "a wrong driver branch": Fault(
        f"sed -i s/535.261.03/470.256.02/ {KERNEL}",
        (differs("kernel module", "loaded", "535.261.03", "470.256.02"),),
        ("driver",),
        repair=f"sed -i s/470.256.02/535.261.03/ {KERNEL}",
    ),
    "a module that is not loaded": Fault(
        "rm -r /proc/driver/nvidia",
        (missing("kernel module", "loaded", "535.261.03"),),
        ("driver",),
        repair=None,
    ),
    "libraries of another release than the module": Fault(
        f'printf \'#!/bin/sh\\necho "Failed to initialize NVML: Driver/library version mismatch"'
        f"\\nexit 18\\n' > {SMI}",
        (
            differs(
                "libraries",
                "in use",
                "535.261.03",
                "Failed to initialize NVML: Driver/library version mismatch",
            ),
        ),
        ("driver",),
        repair=None,
    ),
    "the other driver loaded": Fault(
        "mkdir /sys/module/nouveau",
        (differs("nouveau", "module", "not loaded", "loaded"),),
        ("driver",),
        repair="rmdir /sys/module/nouveau",
    ),
    "a card that is not seen": Fault(
        "rmdir /proc/driver/nvidia/gpus/0000:02:00.0",
        (differs("GPUs", "number", "2", "1"),),
        ("driver",),
        repair=None,
    ),
    "an argument of the kernel missing": Fault(
        "sed 's/ quiet//' /run/cmdline > /run/new; cat /run/new > /run/cmdline",
        (missing("quiet", "argument", "quiet"),),
        ("kernel-arguments",),
        repair=None,
    ),
    "an argument of the kernel another": Fault(
        "sed 's/rig=.*/rig=other/' /run/cmdline > /run/new; cat /run/new > /run/cmdline",
        (differs("rig", "argument", "rig='$(x)\"", "rig=other"),),
        ("kernel-arguments",),
        repair=None,
    ),
    "a reboot due": Fault(
        "touch /run/reboot-required",
        (differs("reboot", "state", "not required", "required"),),
        (),
        repair="rm /run/reboot-required",
    ),
    "what a check of the rig asks for": Fault(
        "rm /etc/booted",
        (missing("the new kernel", "check", "yes"),),
        (),
        repair="echo yes > /etc/booted",
    ),
    "a toolkit of another release": Fault(
        f"sed -i s/11.8/11.7/ {CUDA}/version.json",
        (
            differs("toolkit", "files", "11.8", "11.7"),
            differs(CUDA, "contents (cuda)", UNCHANGED, f"{CHANGED}version.json"),
        ),
        ("cuda",),
    ),
    "a compiler of another release": Fault(
        f"sed -i s/11.8/12.0/ {CUDA}/bin/nvcc",
        (
            differs("toolkit", "compiler", "11.8", "12.0"),
            differs(CUDA, "contents (cuda)", UNCHANGED, f"{CHANGED}bin/nvcc"),
        ),
        ("cuda",),
    ),
    "a cuDNN of another release": Fault(
        f"sed -i 's/MINOR 5/MINOR 6/' {CUDA}/include/cudnn_version.h",
        (
            differs("cudnn", "header", "8.5.0", "8.6.0"),
            differs(CUDA, "contents (cudnn)", UNCHANGED, f"{CHANGED}include/cudnn_version.h"),
        ),
        ("cudnn",),
    ),
    "a header of cuDNN gone": Fault(
        f"rm {CUDA}/include/cudnn.h",
        (
            missing(f"{CUDA}/include/cudnn.h", "presence", "present"),
            differs(CUDA, "contents (cudnn)", UNCHANGED, f"{CHANGED}include/cudnn.h"),
        ),
        ("cudnn",),
    ),
    "a library's link swapped": Fault(
        f"ln -sfn libcudnn.so.7 {LIBRARIES}/libcudnn.so",
        (differs(CUDA, "contents (cudnn)", UNCHANGED, f"{CHANGED}lib64/libcudnn.so"),),
        ("cudnn",),
    ),
}
