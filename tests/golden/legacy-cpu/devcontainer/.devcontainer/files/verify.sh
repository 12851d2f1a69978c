#!/bin/sh
# Verifies the dev container of the rig legacy-cpu against lock 7d0664e35f90.
# Written by rigspec.
set -eu

/usr/local/bin/rig-image verify /opt/rig/lock/checks.sh
