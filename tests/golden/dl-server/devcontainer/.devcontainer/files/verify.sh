#!/bin/sh
# Verifies the dev container of the rig dl-server against lock 7cf3c93775d0.
# Written by rigspec.
set -eu

/usr/local/bin/rig-image verify /opt/rig/lock/checks.sh
# The host provides the driver: without it, programs run on the CPU.
test -e /proc/driver/nvidia/version || test -e /dev/dxg || {
  echo "no NVIDIA driver found in the container; install the driver and the NVIDIA Container Toolkit on the host" >&2
}
