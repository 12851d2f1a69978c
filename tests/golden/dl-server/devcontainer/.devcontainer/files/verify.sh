#!/usr/bin/env bash
# Holds what is installed in the dev container of dl-server against the lock
# 396cd07f7dcc2c868cee4ca93419158f93f3709a00669f396bae1e7962ebde51. Written by rigspec.
set -euo pipefail

# packages (system)
{ found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.system.txt | paste -s -d ' ' -) || true; }
{ test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (system)' 'as locked' "$found" >&2; false; }; }
# packages (fetch)
{ found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.fetch.txt | paste -s -d ' ' -) || true; }
{ test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (fetch)' 'as locked' "$found" >&2; false; }; }
# packages (cuda)
{ found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.cuda.txt | paste -s -d ' ' -) || true; }
{ test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (cuda)' 'as locked' "$found" >&2; false; }; }
# cuDNN 7.6.5.32
{ found=$(sed -n 's/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p' /usr/local/cuda-9.0/include/cudnn.h | paste -s -d ' ' -) || true; }
{ test "$found" = '7 6 5' || { printf '%s: the lock says "%s", found "%s"\n' 'cuDNN 7.6.5.32' '7 6 5' "$found" >&2; false; }; }
# Python of fastai
{ found=$(/opt/rig/envs/fastai/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])' | paste -s -d ' ' -) || true; }
{ test "$found" = 3.6 || { printf '%s: the lock says "%s", found "%s"\n' 'Python of fastai' 3.6 "$found" >&2; false; }; }
# packages of fastai
{ found=$(/opt/rig/envs/fastai/bin/python /opt/rig/lock/installed.py /opt/rig/lock/fastai.tools.txt /opt/rig/lock/fastai.requirements.txt | paste -s -d ' ' -) || true; }
{ test "$found" = '' || { printf '%s: the lock says "%s", found "%s"\n' 'packages of fastai' '' "$found" >&2; false; }; }
# The driver is the host's: without it the rig has no GPU.
test -e /proc/driver/nvidia/version || test -e /dev/dxg || {
  echo "no NVIDIA driver is seen in here; the host needs one, and the NVIDIA container toolkit" >&2
}
