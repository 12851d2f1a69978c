#!/usr/bin/env bash
# Holds what is installed in the dev container of legacy-cpu against the lock
# 7aa160deb486f24d1a0a8fc46c04287d1efe2b5a76d6b4b659c27a7b7671d97e. Written by rigspec.
set -euo pipefail

# packages (interpreter)
{ found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.interpreter.txt) || found=${found:-its check has failed}; }
{ test "$found" = 'as locked' || { printf '%s\n' "${found:-its check says nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (interpreter)' "$line"; done >&2; false; }; }
# Python of tf18
{ found=$(/opt/rig/envs/tf18/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])') || true; }
{ test "$found" = 2.7 || { printf '%s: locked %s, found %s\n' 'Python of tf18' 2.7 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }
# packages of tf18
{ found=$(/opt/rig/envs/tf18/bin/python /opt/rig/lock/installed.py /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt) || found=${found:-its check has failed}; }
{ test "$found" = '' || { printf '%s\n' "${found:-its check says nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages of tf18' "$line"; done >&2; false; }; }
