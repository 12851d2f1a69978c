#!/usr/bin/env bash
# Verifies the dev container of the rig dl-server against lock
# c4461a5746bffa230e4a56138a7491dfaa2cc1d76c11fba9d06e0f6b6dcfa2b4. Written by rigspec.
set -euo pipefail

# packages (system)
{ found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.system.txt) || found=${found:-the check failed}; }
{ test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (system)' "$line"; done >&2; false; }; }
# packages (fetch)
{ found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.fetch.txt) || found=${found:-the check failed}; }
{ test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (fetch)' "$line"; done >&2; false; }; }
# packages (cuda)
{ found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.cuda.txt) || found=${found:-the check failed}; }
{ test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (cuda)' "$line"; done >&2; false; }; }
# cuDNN 7.6.5.32
{ found=$(sh -c 'sed -n "$1" "$2" | paste -s -d .' sh 's/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p' /usr/local/cuda-9.0/include/cudnn.h) || true; }
{ test "$found" = 7.6.5 || { printf '%s: locked %s, found %s\n' 'cuDNN 7.6.5.32' 7.6.5 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }
# Python of fastai
{ found=$(/opt/rig/envs/fastai/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])') || true; }
{ test "$found" = 3.6 || { printf '%s: locked %s, found %s\n' 'Python of fastai' 3.6 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }
# packages of fastai
{ found=$(/opt/rig/envs/fastai/bin/python /opt/rig/lock/verify_packages.py /opt/rig/lock/fastai.tools.txt /opt/rig/lock/fastai.requirements.txt /opt/rig/lock/fastai.sources.txt) || found=${found:-the check failed}; }
{ test "$found" = '' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages of fastai' "$line"; done >&2; false; }; }
# The host provides the driver: without it, programs run on the CPU.
test -e /proc/driver/nvidia/version || test -e /dev/dxg || {
  echo "no NVIDIA driver found in the container; install the driver and the NVIDIA Container Toolkit on the host" >&2
}
