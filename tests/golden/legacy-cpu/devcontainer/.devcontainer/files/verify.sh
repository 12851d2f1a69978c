#!/usr/bin/env bash
# Verifies the dev container of the rig legacy-cpu against lock
# d16b064f3d972d4ffee4b814e99493990dba5542ac25338d05231504aa71b7eb. Written by rigspec.
set -euo pipefail

# packages (interpreter)
{ found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.interpreter.txt) || found=${found:-the check failed}; }
{ test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (interpreter)' "$line"; done >&2; false; }; }
# Python of tf18
{ found=$(/opt/rig/envs/tf18/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])') || true; }
{ test "$found" = 2.7 || { printf '%s: locked %s, found %s\n' 'Python of tf18' 2.7 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }
# packages of tf18
{ found=$(/opt/rig/envs/tf18/bin/python /opt/rig/lock/verify_packages.py /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt /opt/rig/lock/tf18.sources.txt) || found=${found:-the check failed}; }
{ test "$found" = '' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages of tf18' "$line"; done >&2; false; }; }
