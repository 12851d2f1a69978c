#!/usr/bin/env bash
# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Installs the rig legacy-cpu, machine box. Written by rigspec from the lock
# 7aa160deb486f24d1a0a8fc46c04287d1efe2b5a76d6b4b659c27a7b7671d97e.
#
# Run as root; run again at any time: what is done already is left alone.
#
# Left out:
# - the pin of base image debian:11: no registry answered, and the matrix has no digest of it
set -euo pipefail

# Nothing below runs before the last line: a download that is cut off does nothing, and says so.
trap 'echo "install.sh: this file is not whole; fetch it again" >&2; exit 1' EXIT

readonly STEPS=(platform interpreters env-tf18 settings-tf18-keras verify)
readonly LOG=/var/log/rig.log
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE

usage() {
  cat <<'USAGE'
usage: install.sh [--help | --list | --dry-run | --step ID]

  --list      name the steps
  --dry-run   say which steps would be done, and change nothing
  --step ID   do this step only
USAGE
}

title() {
  case $1 in
    platform) printf '%s' 'This machine is debian 11 on x86_64' ;;
    interpreters) printf '%s' 'Interpreters of the system' ;;
    env-tf18) printf '%s' 'Python environment tf18' ;;
    settings-tf18-keras) printf '%s' 'Settings of keras for new accounts' ;;
    verify) printf '%s' 'What is installed is what was locked' ;;
  esac
}

done_platform() {
  false
}

apply_platform() {
  test "$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"')" = debian && \
    test "$(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')" = 11 && \
    test "$(uname -m)" = x86_64
}

done_interpreters() {
  test "$(cat /var/lib/rig/interpreters 2>/dev/null)" = 20936207b7841a3910b702bef21d569758adf4f7b3f52445940aeb6ea348513c && \
    sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.interpreter.txt >/dev/null
}

apply_interpreters() {
  apt-get -qq update && \
    sh /opt/rig/lock/packages.sh archive /opt/rig/lock/packages.interpreter.txt >&2 && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --allow-downgrades \
      python2.7=2.7.18-8+deb11u1 \
      virtualenv=20.4.0+ds-2+deb11u1 \
      'ca-certificates=20250419~deb12u1~deb11u1' \
      libexpat1=2.2.10-2+deb11u7 \
      libgdbm-compat4=1.19-2 \
      libgdbm6=1.19-2 \
      libmpdec3=2.5.1-1 \
      libncursesw6=6.2+20201114-2+deb11u2 \
      libperl5.32=5.32.1-4+deb11u5 \
      libpython2.7-minimal=2.7.18-8+deb11u1 \
      libpython2.7-stdlib=2.7.18-8+deb11u1 \
      libpython3-stdlib=3.9.2-3 \
      libpython3.9-minimal=3.9.2-1+deb11u7 \
      libpython3.9-stdlib=3.9.2-1+deb11u7 \
      libreadline8=8.1-1 \
      libsqlite3-0=3.34.1-3+deb11u1 \
      mailcap=3.69 \
      media-types=4.0.0 \
      mime-support=3.66 \
      openssl=1.1.1w-0+deb11u8 \
      perl=5.32.1-4+deb11u5 \
      perl-base=5.32.1-4+deb11u5 \
      perl-modules-5.32=5.32.1-4+deb11u5 \
      python-pip-whl=20.3.4-4+deb11u1 \
      python2.7-minimal=2.7.18-8+deb11u1 \
      python3=3.9.2-3 \
      python3-appdirs=1.4.4-1 \
      python3-distlib=0.3.2+really+0.3.1-0.1 \
      python3-distutils=3.9.2-1 \
      python3-filelock=3.0.12-2 \
      python3-importlib-metadata=1.6.0-2 \
      python3-lib2to3=3.9.2-1 \
      python3-minimal=3.9.2-3 \
      python3-more-itertools=4.2.0-3 \
      python3-pip=20.3.4-4+deb11u1 \
      python3-pkg-resources=52.0.0-4+deb11u2 \
      python3-setuptools=52.0.0-4+deb11u2 \
      python3-six=1.16.0-2 \
      python3-virtualenv=20.4.0+ds-2+deb11u1 \
      python3-wheel=0.34.2-1 \
      python3-zipp=1.0.0-3 \
      python3.9=3.9.2-1+deb11u7 \
      python3.9-minimal=3.9.2-1+deb11u7 \
      readline-common=8.1-1 >/dev/null && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 20936207b7841a3910b702bef21d569758adf4f7b3f52445940aeb6ea348513c > /var/lib/rig/interpreters
}

done_env_tf18() {
  test -x /opt/rig/envs/tf18/bin/python && \
    test "$(cat /var/lib/rig/env-tf18 2>/dev/null)" = ea101d9e92a03804ddfa47f210e5f94400a29948aad651c7ca7dc82bc167058b
}

apply_env_tf18() {
  rm -rf /opt/rig/envs/tf18 && \
    mkdir -p "$(dirname /opt/rig/envs/tf18)" && \
    virtualenv --python python2.7 /opt/rig/envs/tf18 >/dev/null && \
    /opt/rig/envs/tf18/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --upgrade -r /opt/rig/lock/tf18.tools.txt && \
    /opt/rig/envs/tf18/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --no-deps -r /opt/rig/lock/tf18.requirements.txt && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' ea101d9e92a03804ddfa47f210e5f94400a29948aad651c7ca7dc82bc167058b > /var/lib/rig/env-tf18
}

done_settings_tf18_keras() {
  test "$(stat -c %a /etc/skel/.keras/keras.json 2>/dev/null)" = 644 && \
    printf '%s  %s\n' 94e3cc3e03e11a2440b72bcbf134f8ab01c5b3aba45787b56b24bee2745eeea2 /etc/skel/.keras/keras.json | sha256sum --check --status
}

apply_settings_tf18_keras() {
  install -D -m 0644 -o root -g root /opt/rig/lock/settings-tf18-keras /etc/skel/.keras/keras.json
}

done_verify() {
  false
}

apply_verify() {
  { found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.interpreter.txt | paste -s -d ' ' -) || true; } && \
    { test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (interpreter)' 'as locked' "$found" >&2; false; }; } && \
    { found=$(/opt/rig/envs/tf18/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])' | paste -s -d ' ' -) || true; } && \
    { test "$found" = 2.7 || { printf '%s: the lock says "%s", found "%s"\n' 'Python of tf18' 2.7 "$found" >&2; false; }; } && \
    { found=$(/opt/rig/envs/tf18/bin/python /opt/rig/lock/installed.py /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt | paste -s -d ' ' -) || true; } && \
    { test "$found" = '' || { printf '%s: the lock says "%s", found "%s"\n' 'packages of tf18' '' "$found" >&2; false; }; }
}

say() {
  printf '%s\n' "$*"
  [ "$DRY_RUN" = yes ] || printf '%s\n' "$*" >>"$LOG"
}

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# The lock's own files, where every step finds them.
place_lock() {
  local file
  for file in "$HERE"/files/*; do
    cmp -s "$file" "/opt/rig/lock/${file##*/}" || install -D -m 0644 "$file" "/opt/rig/lock/${file##*/}"
  done
}

run_step() {
  local id=$1 name=${1//[^a-z0-9]/_}
  if "done_$name"; then
    say "ok       $(title "$id")"
  elif [ "$DRY_RUN" = yes ]; then
    say "would do $(title "$id")"
  else
    say "doing    $(title "$id")"
    if ! "apply_$name" 2>&1 | tee -a "$LOG"; then
      fail "step $id failed: $(title "$id"); $LOG has the rest. It can be run again."
    fi
  fi
}

main() {
  local only='' id
  DRY_RUN=no
  while [ $# -gt 0 ]; do
    case $1 in
      --help) usage; return ;;
      --list) printf '%s\n' "${STEPS[@]}"; return ;;
      --dry-run) DRY_RUN=yes ;;
      --step)
        [ $# -ge 2 ] || fail "--step wants a step's id"
        only=$2
        shift
        ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  [ "$(id -u)" -eq 0 ] || fail "run this as root"
  apply_platform || fail "$(title platform): this is another machine, and nothing was changed"
  mkdir -p /run/lock
  exec 9>/run/lock/rig.lock
  flock --nonblock 9 || fail "another installation is running"
  [ "$DRY_RUN" = yes ] || place_lock
  for id in "${STEPS[@]}"; do
    if [ "$id" != platform ] && { [ -z "$only" ] || [ "$id" = "$only" ]; }; then
      run_step "$id"
    fi
  done
}

trap - EXIT
main "$@"
