#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034,SC2120
trap 'echo install.sh": this file is truncated; download it again" >&2; exit 1' EXIT
#
# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Installs the rig legacy-cpu, machine box. Written by rigspec from lock
# 7d0664e35f90aaa5a7ab6ba1908c5576d0d87a4e8465a399908121e452bbc083.
#
# Run as root. Safe to re-run: completed steps are skipped. See --help. Nothing runs before the last
# line, so a truncated download changes nothing.
set -euo pipefail

readonly NAME=install.sh RIG_NAME=legacy-cpu

# The steps in their order: ID, title, kind, and the values of the kind.
load_plan() {
  step platform 'Platform: debian 11 on x86_64' platform distribution=debian release=11 arch=x86_64
  step interpreters 'Packages: Python interpreters' apt-packages packages=packages.interpreter.txt \
    checksums=yes
  step env-tf18 'Python environment tf18' environment path=/opt/rig/envs/tf18 tools=tf18.tools.txt \
    requirements=tf18.requirements.txt sources=tf18.sources.txt -- virtualenv --python python2.7
  step settings-tf18-keras 'Settings of keras for new accounts' file path=/etc/skel/.keras/keras.json
  step verify 'Verify the installation against the lock' verify
}

# The checks of the result: title, expected output, command.
run_checks() {
  check_packages interpreter
  check 'Python of tf18' 2.7 /opt/rig/envs/tf18/bin/python -c \
    'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])'
  check 'packages of tf18' '' /opt/rig/envs/tf18/bin/python /opt/rig/lock/verify_packages.py \
    /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt /opt/rig/lock/tf18.sources.txt
  true
}

# The files of the lock that the steps use.
list_lock_files() {
  lock_files 237437e1d1323b63c1662b1050726461f2b9de3a33d1dc48174a174db2754b9a packages.interpreter.txt \
    check-packages.sh verify_packages.py tf18.requirements.txt tf18.tools.txt tf18.sources.txt \
    settings-tf18-keras
}

