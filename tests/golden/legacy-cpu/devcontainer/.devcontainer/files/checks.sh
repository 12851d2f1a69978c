# shellcheck shell=sh disable=SC2016
# What `rig-image verify` checks: the title, the expected output, and the command.
check 'packages (interpreter)' 'as locked' \
  sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.interpreter.txt
check 'Python of tf18' 2.7 \
  /opt/rig/envs/tf18/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])'
check 'packages of tf18' '' \
  /opt/rig/envs/tf18/bin/python /opt/rig/lock/verify_packages.py /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt /opt/rig/lock/tf18.sources.txt
