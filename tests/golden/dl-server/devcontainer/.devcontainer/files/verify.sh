#!/usr/bin/env bash
# Verifies the dev container of the rig dl-server against lock
# 7cf3c93775d0938a10da227b33110248cdc16df11e3655715a1bbfe40282ad80. Written by rigspec.
set -euo pipefail

# packages (system)
bash /opt/rig/lock/steps.sh check 'packages (system)' 'as locked' sh /opt/rig/lock/check-packages.sh installed \
    /opt/rig/lock/packages.system.txt
# packages (fetch)
bash /opt/rig/lock/steps.sh check 'packages (fetch)' 'as locked' sh /opt/rig/lock/check-packages.sh installed \
    /opt/rig/lock/packages.fetch.txt
# packages (cuda)
bash /opt/rig/lock/steps.sh check 'packages (cuda)' 'as locked' sh /opt/rig/lock/check-packages.sh installed \
    /opt/rig/lock/packages.cuda.txt
# cuDNN 7.6.5.32
bash /opt/rig/lock/steps.sh check 'cuDNN 7.6.5.32' 7.6.5 sh -c 'sed -n "$1" "$2" | paste -s -d .' sh \
    's/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p' /usr/local/cuda-9.0/include/cudnn.h
# Python of fastai
bash /opt/rig/lock/steps.sh check 'Python of fastai' 3.6 /opt/rig/envs/fastai/bin/python -c \
    'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])'
# packages of fastai
bash /opt/rig/lock/steps.sh check 'packages of fastai' '' /opt/rig/envs/fastai/bin/python /opt/rig/lock/verify_packages.py \
    /opt/rig/lock/fastai.tools.txt /opt/rig/lock/fastai.requirements.txt /opt/rig/lock/fastai.sources.txt
# The host provides the driver: without it, programs run on the CPU.
test -e /proc/driver/nvidia/version || test -e /dev/dxg || {
  echo "no NVIDIA driver found in the container; install the driver and the NVIDIA Container Toolkit on the host" >&2
}
