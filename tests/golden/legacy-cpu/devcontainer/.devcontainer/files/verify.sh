#!/usr/bin/env bash
# Verifies the dev container of the rig legacy-cpu against lock
# 7d0664e35f90aaa5a7ab6ba1908c5576d0d87a4e8465a399908121e452bbc083. Written by rigspec.
set -euo pipefail

# packages (interpreter)
bash /opt/rig/lock/steps.sh check 'packages (interpreter)' 'as locked' sh /opt/rig/lock/check-packages.sh installed \
    /opt/rig/lock/packages.interpreter.txt
# Python of tf18
bash /opt/rig/lock/steps.sh check 'Python of tf18' 2.7 /opt/rig/envs/tf18/bin/python -c \
    'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])'
# packages of tf18
bash /opt/rig/lock/steps.sh check 'packages of tf18' '' /opt/rig/envs/tf18/bin/python /opt/rig/lock/verify_packages.py \
    /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt /opt/rig/lock/tf18.sources.txt
