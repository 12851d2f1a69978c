#!/usr/bin/env bash
# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Installs the rig legacy-cpu, machine box. Written by rigspec from lock
# 7d0664e35f90aaa5a7ab6ba1908c5576d0d87a4e8465a399908121e452bbc083.
#
# Run as root. Safe to re-run: completed steps are skipped. See --help.
#
# Not included:
# - pinning of base image debian:11: no registry answered, and the matrix has no digest of it
set -euo pipefail

# Nothing runs before the last line, so a truncated download does nothing but report it.
trap 'echo install.sh": this file is truncated; download it again" >&2; exit 1' EXIT

readonly NAME=install.sh RIG_NAME=legacy-cpu EMBEDDED=''

# The steps in their order: ID, title, kind, and the values of the kind.
# shellcheck disable=SC2016 # expanded by the shells that run these commands
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
# shellcheck disable=SC2016 # as above
run_checks() {
  check 'packages (interpreter)' 'as locked' sh /opt/rig/lock/check-packages.sh installed \
    /opt/rig/lock/packages.interpreter.txt
  check 'Python of tf18' 2.7 /opt/rig/envs/tf18/bin/python -c \
    'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])'
  check 'packages of tf18' '' /opt/rig/envs/tf18/bin/python /opt/rig/lock/verify_packages.py \
    /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt /opt/rig/lock/tf18.sources.txt
  true
}

# The files of the lock that the steps use.
list_lock_files() {
  lock_files 0d18eba369c2ed09c90686a960cdc54b067f65aed782f807ee8214059a4691c8 packages.interpreter.txt \
    check-packages.sh verify_packages.py tf18.requirements.txt tf18.tools.txt tf18.sources.txt \
    settings-tf18-keras
  true
}

# From here on, this file is the same for every rig.
readonly STATE=/var/lib/rig CACHE=/var/cache/rig
# The directory with the files of the lock.
LOCK=/opt/rig/lock

# --- what the steps share
#
# A step is called as KIND_is_done, KIND_apply or KIND_remove. Its values are in the array `arg`, and the
# words of a command in the positional parameters. A function returns at the first failure by itself:
# `set -e` has no effect in a condition.

# call_step FUNCTION ID TITLE KIND [KEY=VALUE...] [-- WORD...]
call_step() {
  local function=$1 kind=${4//-/_}
  local -A arg=([id]=$2 [title]=$3)
  shift 4
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    arg[${1%%=*}]=${1#*=}
    shift
  done
  [ $# -eq 0 ] || shift
  "${kind}_$function" "$@"
}

# The stamp of a step has the value that the step was completed with. It is renamed into place.
write_stamp() {  # ID VALUE
  mkdir -p "$STATE" && printf '%s\n' "$2" >"$STATE/.$1.new" && mv -fT "$STATE/.$1.new" "$STATE/$1"
}

has_stamp() {  # ID VALUE
  [ -n "$2" ] && [ "$(cat "$STATE/$1" 2>/dev/null)" = "$2" ]
}

print_digest() {  # [FILE...]: of the files, or of stdin
  local sum
  sum=$(cat -- "$@" | sha256sum) && printf '%s' "${sum%% *}"
}

download_file() {  # URL SHA256 PATH
  curl --fail --silent --show-error --location --retry 3 --output "$3" "$1" || return
  printf '%s  %s\n' "$2" "$3" | sha256sum --check --status || {
    printf 'checksum mismatch: %s does not match the lock\n' "$1" >&2
    return 1
  }
}

ensure_parent_dir() {  # PATH
  record_dir "$(dirname "$1")" && mkdir -p "$(dirname "$1")"
}

# A file is written next to its destination and then renamed, so readers never see a partial file.
commit_file() {  # PATH [secret]
  record_file "$@" && mv -fT "$1.rig-new" "$1"
}

install_file() {  # FILE PATH MODE USER:GROUP
  ensure_parent_dir "$2" && install -m "$3" -o "${4%%:*}" -g "${4#*:}" "$1" "$2.rig-new" && commit_file "$2"
}

is_installed_file() {  # FILE PATH MODE USER:GROUP
  has_mode "$2" "$3" "$4" && cmp -s "$1" "$2"
}

has_mode() {  # PATH MODE USER:GROUP
  [ "$(stat -c '%a %U:%G' "$1" 2>/dev/null)" = "$(printf '%o' "0$2") $3" ]
}

# The services that read a changed file are restarted by their own steps, which have no stamp then.
invalidate_steps() {  # ID...
  local id
  for id; do rm -f "$STATE/$id" || return; done
}

# words_before and words_after split the words of a step at `--`. Both set the array WORDS.
words_before() {  # WORD...
  WORDS=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    WORDS+=("$1")
    shift
  done
}

words_after() {  # WORD...
  while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
  [ $# -eq 0 ] || shift
  WORDS=("$@")
}

print_home() {  # USER
  getent passwd "$1" | cut -d : -f 6
}

# Users can put symbolic links anywhere in their home directory, so every file in it is read and written
# as that user.
run_in_home() {  # USER SCRIPT [WORD...]: the home directory is $1 in the script, the words are $2...
  local name=$1 script=$2
  shift 2
  runuser -u "$name" -- sh -c "$script" sh "$(print_home "$name")" "$@"
}

# --- access

# path, owner (user:group), mode
access_is_done() {
  has_mode "${arg[path]}" "${arg[mode]}" "${arg[owner]}"
}

access_apply() {
  chown "${arg[owner]}" "${arg[path]}" && chmod "${arg[mode]}" "${arg[path]}"
}

# --- apt-packages

# packages: the file with the pinned packages; checksums, modules: `yes` or missing. The words are the
# packages without a version and, after `--`, the names to hold.
apt_packages_is_done() {
  local name
  words_before "$@"
  for name in ${WORDS[@]+"${WORDS[@]}"}; do
    is_package_installed "$name" || return
  done
  [ -z "${arg[packages]-}" ] || {
    has_stamp "${arg[id]}" "$(print_digest "$LOCK/${arg[packages]}")" &&
      sh "$LOCK/check-packages.sh" installed "$LOCK/${arg[packages]}" >/dev/null
  }
}

apt_packages_apply() {
  refresh_packages && check_package_index && install_step_packages "$@" && hold_packages "$@" && stamp_packages
}

# apt checks every download against the signed index; this checks the index against the lock.
check_package_index() {
  [ -z "${arg[checksums]-}" ] || sh "$LOCK/check-packages.sh" archive "$LOCK/${arg[packages]}" >&2
}

install_step_packages() {  # [WORD...]
  local pin options=()
  words_before "$@"
  [ -z "${arg[checksums]-}" ] || options+=(--allow-downgrades)
  [ "$*" = "${WORDS[*]-}" ] || options+=(--allow-change-held-packages)
  if [ -n "${arg[packages]-}" ]; then
    while read -r pin _; do WORDS+=("$pin"); done <"$LOCK/${arg[packages]}" || return
  fi
  install_packages "${arg[id]}" ${options[@]+"${options[@]}"} "${WORDS[@]}"
}

hold_packages() {  # [WORD...]
  words_after "$@"
  [ "${#WORDS[@]}" -eq 0 ] || { record_holds "${WORDS[@]}" && apt-mark hold "${WORDS[@]}" >/dev/null; }
}

stamp_packages() {
  [ -z "${arg[packages]-}" ] || write_stamp "${arg[id]}" "$(print_digest "$LOCK/${arg[packages]}")"
}

is_package_installed() {  # NAME
  # shellcheck disable=SC2016 # dpkg-query fills this in
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q ' ok installed$'
}

# --- apt-repository

# name, url, suite, components; key_url and fingerprint of its signing key; protocols: for its download, next
# to https.
apt_repository_is_done() {
  [ -s "/etc/apt/keyrings/${arg[name]}.gpg" ] &&
    print_source_line | cmp -s - "/etc/apt/sources.list.d/${arg[name]}.list" &&
    has_stamp "${arg[id]}" "$(print_repository_digest)"
}

apt_repository_apply() {
  local list=/etc/apt/sources.list.d/${arg[name]}.list keyring=/etc/apt/keyrings/${arg[name]}.gpg line
  # Remove our source at once if it conflicts with another one: apt reads no sources at all otherwise.
  line=$(print_source_line) || { restore_file "$list"; return 1; }
  ensure_parent_dir "$keyring" && fetch_keyring "$keyring.rig-new" && commit_file "$keyring" &&
    printf '%s\n' "$line" >"$list.rig-new" && commit_file "$list" || return
  apt-get indextargets >/dev/null || {
    restore_file "$list"
    printf 'apt cannot read its sources together with %s, which was removed again: remove the other source of %s and run this again\n' \
      "$list" "${arg[url]}" >&2
    return 1
  }
  write_stamp "${arg[id]}" "$(print_repository_digest)"
}

# The source line for this machine; only a comment if the repository is already configured.
print_source_line() {
  local components
  read -r -a components <<<"${arg[components]-}"
  sh "$LOCK/apt-source-line.sh" "/etc/apt/sources.list.d/${arg[name]}.list" "/etc/apt/keyrings/${arg[name]}.gpg" \
    "${arg[fingerprint]}" "${arg[url]}" "${arg[suite]}" ${components[@]+"${components[@]}"}
}

# Download the signing key, and check that it is the one key with the fingerprint.
fetch_keyring() {  # PATH
  local key=$CACHE/${arg[name]}.asc home=$CACHE/gnupg keys
  mkdir -p "$CACHE" && install -d -m 0700 "$home" &&
    curl --fail --silent --show-error --location --retry 3 --proto "=https${arg[protocols]:+,${arg[protocols]}}" --output "$key" "${arg[key_url]}" || return
  keys=$(gpg --homedir "$home" --batch --with-colons --with-fingerprint "$key" 2>/dev/null |
    awk -F : '$1 == "pub" { count++ } $1 == "fpr" && !first { first = $10 } END { print count, first }') || return
  [ "$keys" = "1 ${arg[fingerprint]}" ] || {
    printf 'the key at %s is not the one in the lock (%s)\n' "${arg[key_url]}" "${arg[fingerprint]}" >&2
    return 1
  }
  gpg --homedir "$home" --batch --yes --dearmor --output "$1" "$key" && chmod 0644 "$1" && rm -rf "$home" "$key"
}

print_repository_digest() {
  printf '%s' "${arg[fingerprint]} ${arg[url]}" | print_digest
}

# --- apt-source

# The words are the lines of the file NAME.list, or `program` prints them for `suites` and `components`.
apt_source_is_done() {
  [ -s "/etc/apt/sources.list.d/${arg[name]}.list" ] && has_stamp "${arg[id]}" "$(print_apt_source_digest "$@")"
}

apt_source_apply() {
  local list=/etc/apt/sources.list.d/${arg[name]}.list
  if [ $# -gt 0 ]; then
    printf '%s\n' "$@" >"$list.rig-new" || return
  else
    # Remove our own entry first, and update: `apt-get indextargets` lists only sources that apt has read.
    rm -f "$list" && apt-get -qq update &&
      sh "$LOCK/${arg[program]}" "${arg[suites]}" "${arg[components]%% *}" "${arg[components]#* }" >"$list.rig-new" || return
  fi
  commit_file "$list" && write_stamp "${arg[id]}" "$(print_apt_source_digest "$@")"
}

print_apt_source_digest() {  # [WORD...]
  if [ $# -gt 0 ]; then
    printf '%s' "$*" | print_digest
  else
    printf '%s' "${arg[suites]} ${arg[components]}" | print_digest
  fi
}

# --- archive

# url, sha256, to, strip, creates; exclusive: `yes` if only this archive uses the directory.
archive_is_done() {
  [ -e "${arg[creates]}" ] && has_stamp "${arg[id]}" "${arg[sha256]}"
}

archive_apply() {
  local file=$CACHE/${arg[id]}.download to=${arg[to]}
  if [ -n "${arg[exclusive]-}" ]; then
    record_tree "$to" && rm -rf "$to" || return
  else
    record_dir "$to" || return
  fi
  mkdir -p "$CACHE" "$to" && download_file "${arg[url]}" "${arg[sha256]}" "$file" || return
  [ -n "${arg[exclusive]-}" ] ||
    { record_contents "${arg[id]}" "$to" && back_up_members "${arg[id]}" "$to" "${arg[strip]}" "$file"; } || return
  # CUDA's include and lib64 are symbolic links to directories; keep them.
  tar --extract --no-same-owner --keep-directory-symlink --strip-components="${arg[strip]}" --directory "$to" --file "$file" || return
  [ -n "${arg[exclusive]-}" ] || record_new_contents "${arg[id]}" "$to" || return
  rm -f "$file" && write_stamp "${arg[id]}" "${arg[sha256]}"
}

# --- certificate

# certificate, key, algorithm (rsa:BITS or ecdsa:CURVE), days, owner; dependents: services that read it.
certificate_is_done() {
  [ "$(stat -c '%a %U' "${arg[key]}" 2>/dev/null)" = "400 ${arg[owner]}" ] &&
    openssl x509 -noout -checkend 0 -in "${arg[certificate]}" >/dev/null 2>&1 &&
    has_stamp "${arg[id]}" "$(print_certificate_digest)"
}

certificate_apply() {
  local key=${arg[key]} certificate=${arg[certificate]}
  ensure_parent_dir "$key" && create_certificate "$key.rig-new" "$certificate.rig-new" &&
    chown "${arg[owner]}" "$key.rig-new" && chmod 0400 "$key.rig-new" && chmod 0644 "$certificate.rig-new" &&
    commit_file "$key" && commit_file "$certificate" || return
  # shellcheck disable=SC2086 # IDs of steps have no spaces
  invalidate_steps ${arg[dependents]-} && write_stamp "${arg[id]}" "$(print_certificate_digest)"
}

# Create both files, readable by the calling account. Current clients check only the alternative names.
create_certificate() {  # KEY CERTIFICATE
  local key=$1 certificate=$2 name
  name=$(uname -n)
  case ${arg[algorithm]} in
    rsa:*) set -- -newkey "${arg[algorithm]}" ;;
    ecdsa:p256) set -- -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -pkeyopt ec_param_enc:named_curve ;;
    ecdsa:p384) set -- -newkey ec -pkeyopt ec_paramgen_curve:secp384r1 -pkeyopt ec_param_enc:named_curve ;;
    *) printf 'unknown algorithm %s\n' "${arg[algorithm]}" >&2; return 1 ;;
  esac
  printf '%s\n' '[req]' prompt=no distinguished_name=dn x509_extensions=ext '[dn]' "CN=$name" '[ext]' \
    "subjectAltName=DNS:$name,DNS:localhost,IP:127.0.0.1" >"$key.request" &&
    (umask 077 && openssl req -x509 -nodes -config "$key.request" -days "${arg[days]}" "$@" \
      -keyout "$key" -out "$certificate" >/dev/null 2>&1) && rm -f "$key.request"
}

print_certificate_digest() {
  printf '%s' "${arg[algorithm]} ${arg[days]}" | print_digest
}

# --- download

# url, sha256, to, mode
download_is_done() {
  [ "$(stat -c %a "${arg[to]}" 2>/dev/null)" = "$(printf '%o' "0${arg[mode]}")" ] &&
    printf '%s  %s\n' "${arg[sha256]}" "${arg[to]}" | sha256sum --check --status
}

download_apply() {
  ensure_parent_dir "${arg[to]}" && download_file "${arg[url]}" "${arg[sha256]}" "${arg[to]}.rig-new" &&
    chmod "${arg[mode]}" "${arg[to]}.rig-new" && commit_file "${arg[to]}"
}

# --- environment

# path, tools, requirements; sources, explicit, bootstrap, index, extra_indexes and python may be missing.
# The words are the command that creates the environment; the path is appended.
environment_is_done() {
  [ -x "$(print_environment_python)" ] && has_stamp "${arg[id]}" "$(print_environment_digest)"
}

environment_apply() {
  record_tree "${arg[path]}" && stash_dir "${arg[path]}" || return
  create_environment "$@" || { unstash_dir "${arg[path]}"; return 1; }
  drop_stash "${arg[path]}" && write_stamp "${arg[id]}" "$(print_environment_digest)"
}

create_environment() {  # COMMAND...
  local python
  python=$(print_environment_python)
  mkdir -p "$(dirname "${arg[path]}")" || return
  [ -z "${arg[bootstrap]-}" ] || pip_install "${arg[bootstrap]}" --only-binary :all: --upgrade -r "$LOCK/${arg[tools]}" || return
  "$@" "${arg[path]}" >/dev/null || return
  # Reinstall pip even if the version matches: Debian splits pip up, and its version cannot build packages.
  pip_install "$python" --only-binary :all: --upgrade --force-reinstall -r "$LOCK/${arg[tools]}" &&
    pip_install "$python" --only-binary :all: --no-deps -r "$LOCK/${arg[requirements]}" || return
  # Build with the locked packages above: in isolation, pip would download build requirements without hashes.
  [ -z "${arg[sources]-}" ] || pip_install "$python" --no-build-isolation --no-deps -r "$LOCK/${arg[sources]}"
}

pip_install() {  # PYTHON OPTION...
  local python=$1 index
  shift
  for index in ${arg[extra_indexes]-}; do set -- --extra-index-url "$index" "$@"; done
  [ -z "${arg[index]-}" ] || set -- --index-url "${arg[index]}" "$@"
  "$python" -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes "$@"
}

print_environment_python() {
  printf '%s' "${arg[python]-${arg[path]}/bin/python}"
}

print_environment_digest() {
  local name files=()
  for name in "${arg[explicit]-}" "${arg[tools]}" "${arg[requirements]}" "${arg[sources]-}"; do
    [ -z "$name" ] || files+=("$LOCK/$name")
  done
  print_digest "${files[@]}"
}

# --- environment-variables

# path: of the environment; by_conda: `yes` if conda sources the scripts from directories.
environment_variables_is_done() {
  local begin end
  set_script_paths &&
    cmp -s "$LOCK/${arg[id]}" "$begin" && cmp -s "$LOCK/${arg[id]}.end" "$end" &&
    { [ -n "${arg[by_conda]-}" ] || grep -qxF ". $begin" "${arg[path]}/bin/activate"; }
}

environment_variables_apply() {
  local begin end
  set_script_paths &&
    install_script "$LOCK/${arg[id]}" "$begin" && install_script "$LOCK/${arg[id]}.end" "$end" || return
  [ -n "${arg[by_conda]-}" ] || hook_activation "$begin" "$end" "${arg[path]}/bin/activate"
}

# Set $begin and $end of the caller.
set_script_paths() {
  if [ -n "${arg[by_conda]-}" ]; then
    begin=${arg[path]}/etc/conda/activate.d/rig.sh
    end=${arg[path]}/etc/conda/deactivate.d/rig.sh
  else
    begin=${arg[path]}/etc/rig/activate.sh
    end=${arg[path]}/etc/rig/deactivate.sh
  fi
}

install_script() {  # FILE PATH
  mkdir -p "$(dirname "$2")" && install -m 0644 "$1" "$2.rig-new" && mv -fT "$2.rig-new" "$2"
}

# Source the rig's script at the end of a venv's `activate` and at the start of its `deactivate`.
hook_activation() {  # BEGIN END ACTIVATE
  sed -i -e '/\/etc\/rig\/\(de\)\{0,1\}activate\.sh$/d' "$3" &&
    sed -i -e "s|^deactivate *() *{\$|&\\n    . $2|" -e "\$a\\. $1" "$3"
}

# --- file

# path; mode and owner, if not 0644 and root:root; requires_ssh_key: `yes` to require an account that can log in; dependents: services
# that read the file. The content is in the lock's file with the ID of the step.
file_is_done() {
  is_installed_file "$LOCK/${arg[id]}" "${arg[path]}" "${arg[mode]-0644}" "${arg[owner]-root:root}"
}

file_apply() {
  [ -z "${arg[requires_ssh_key]-}" ] || require_ssh_key || return
  # shellcheck disable=SC2086 # IDs of steps have no spaces
  invalidate_steps ${arg[dependents]-} &&
    install_file "$LOCK/${arg[id]}" "${arg[path]}" "${arg[mode]-0644}" "${arg[owner]-root:root}"
}

# At least one account other than root needs an SSH key. The file is read as its owner, because sshd
# ignores keys that the user cannot read.
require_ssh_key() {
  [ "${RIG_SHUT_OUT:-}" != yes ] && ! has_ssh_key || return 0
  printf '%s ' 'no user could log in over SSH: sshd would accept keys only, root login would be disabled, and no other' \
    'account has a key. Set ssh_keys for a user in the spec, or add a key to ~/.ssh/authorized_keys of an account; to' \
    'continue without a key, set RIG_SHUT_OUT=yes (Ansible: -e rig_shut_out=yes)' >&2
  echo >&2
  return 1
}

has_ssh_key() {
  local name home
  while IFS=$'\t' read -r name home <&4; do
    ! runuser -u "$name" -- grep -qs '^[[:space:]]*[^#[:space:]]' "$home/.ssh/authorized_keys" </dev/null || return 0
  done 4< <(getent passwd | awk -F : '$3 != 0 && $7 !~ /\/(nologin|false|sync)$/ { print $1 "\t" $6 }')
  return 1
}

# --- group

# name; members: all its members, separated by commas; missing if they are not changed.
group_is_done() {
  getent group "${arg[name]}" >/dev/null &&
    { [ -z "${arg[members]+set}" ] || [ "$(getent group "${arg[name]}" | cut -d : -f 4)" = "${arg[members]}" ]; }
}

group_apply() {
  create_group "${arg[name]}" && { [ -z "${arg[members]+set}" ] || gpasswd --members "${arg[members]}" "${arg[name]}"; }
}

# --- host-packages

# As apt-packages. modules: `yes` if the packages build kernel modules on the machine.
host_packages_is_done() {
  apt_packages_is_done "$@"
}

host_packages_apply() {
  refresh_packages && check_package_index && host_packages_prepare && install_step_packages "$@" && hold_packages "$@" &&
    host_packages_report && stamp_packages
}

# DKMS builds modules for a kernel whose headers are installed. The kernel is the machine's own, so its
# headers are not in the lock.
host_packages_prepare() {
  local kernel
  kernel=$(uname -r)
  [ -n "${arg[modules]-}" ] && [ ! -e "/lib/modules/$kernel/build" ] || return 0
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "linux-headers-$kernel" >/dev/null 2>&1 ||
    printf 'the headers of the kernel %s are not available: the modules of the driver cannot be built\n' "$kernel" >&2
}

host_packages_report() {
  [ -n "${arg[modules]-}" ] && mokutil --sb-state 2>/dev/null | grep -q 'SecureBoot enabled' || return 0
  echo 'Secure Boot is enabled: the driver does not load before its signing key is enrolled (mokutil --import, then reboot)' >&2
}

# --- installer

# url, sha256, creates; prefix: the directory that only this installer uses. The words are the
# arguments of the installer.
installer_is_done() {
  [ -e "${arg[creates]}" ] && has_stamp "${arg[id]}" "${arg[sha256]}"
}

installer_apply() {
  local file=$CACHE/${arg[id]}.download prefix=${arg[prefix]-} shared
  mkdir -p "$CACHE" && download_file "${arg[url]}" "${arg[sha256]}" "$file" || return
  shared=$(print_shared_dir)
  if [ -n "$prefix" ]; then
    record_tree "$prefix" && rm -rf "$prefix" && mkdir -p "$(dirname "$prefix")" || return
  else
    record_dir "$shared" && record_contents "${arg[id]}" "$shared" || return
  fi
  bash "$file" "$@" >/dev/null || return
  [ -n "$prefix" ] || record_new_contents "${arg[id]}" "$shared" || return
  rm -f "$file" && write_stamp "${arg[id]}" "${arg[sha256]}"
}

# The directory that an installer without a prefix shares with other software.
print_shared_dir() {
  dirname "$(dirname "${arg[creates]}")"
}

# --- kernel-arguments

# The words are the arguments. GRUB sources its settings as shell, so they are quoted as one word.
kernel_arguments_is_done() {
  print_grub_setting "$@" | cmp -s - /etc/default/grub.d/rig.cfg && has_stamp "${arg[id]}" "$(printf '%s' "$*" | print_digest)"
}

kernel_arguments_apply() {
  local file=/etc/default/grub.d/rig.cfg
  command -v update-grub >/dev/null || { echo 'update-grub not found: kernel arguments can only be set with GRUB' >&2; return 1; }
  ensure_parent_dir "$file" && print_grub_setting "$@" >"$file.rig-new" && commit_file "$file" && update-grub &&
    write_stamp "${arg[id]}" "$(printf '%s' "$*" | print_digest)"
}

print_grub_setting() {  # ARGUMENT...
  local quoted
  quoted=$(printf '%s' "$*" | sed "s/'/'\"'\"'/g")
  # shellcheck disable=SC2016 # expanded by GRUB
  printf 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX "'"'%s'\n" "$quoted"
}

# --- platform

platform_is_done() {
  local found
  found="$(print_os_release ID) $(print_os_release VERSION_ID)" &&
    expect_platform "${arg[distribution]} ${arg[release]}" "$found" runs &&
    expect_platform "${arg[arch]}" "$(uname -m)" is
}

platform_apply() {
  platform_is_done
}

print_os_release() {  # KEY
  sed -n "s/^$1=//p" /etc/os-release | tr -d '"'
}

expect_platform() {  # EXPECTED FOUND VERB
  [ "$1" = "$2" ] || { printf 'this rig is for %s, but this machine %s %s\n' "$1" "$3" "$2" >&2; return 1; }
}

# --- quota

# user, kib (blocks of 1024 bytes), limit (as in the spec)
quota_is_done() {
  has_stamp "${arg[id]}" "${arg[kib]}"
}

# If the file system has no quotas, report it every time and continue.
quota_apply() {
  local mount
  record quotas "${arg[user]}" && mount=$(df --output=target "$(print_home "${arg[user]}")" | tail -n 1) || return
  if command -v setquota >/dev/null && setquota -u "${arg[user]}" 0 "${arg[kib]}" 0 0 "$mount" 2>/dev/null; then
    write_stamp "${arg[id]}" "${arg[kib]}"
  else
    log_info "the quota of ${arg[user]} (${arg[limit]}) is not enforced: user quotas are not enabled on $mount, or setquota is not installed"
  fi
}

# --- reboot

# reason; digest: of the packages and arguments that require the reboot.
reboot_is_done() {
  has_stamp "${arg[id]}" "${arg[digest]}"
}

# Record the boot ID at the time of the request: a different one means that the reboot has happened.
reboot_apply() {
  printf 'a reboot is required: %s\n' "${arg[reason]}" >&2
  mkdir -p "$STATE" && cat /proc/sys/kernel/random/boot_id >"$STATE/.reboot-due.new" &&
    mv -fT "$STATE/.reboot-due.new" "$STATE/reboot-due" && write_stamp "${arg[id]}" "${arg[digest]}"
}

# --- secret

# name: of the secret; path, owner; template: `yes` if the lock has the text of the file, with
# placeholders; account: `yes` if the secret has the form account:password; dependents: services that read
# the file.
secret_is_done() {
  local secret
  [ -s "${arg[path]}" ] && [ "$(stat -c '%a %U' "${arg[path]}" 2>/dev/null)" = "400 ${arg[owner]}" ] || return
  [ -z "${arg[template]-}" ] || has_stamp "${arg[id]}" "$(print_digest "$LOCK/${arg[id]}")" || return
  # The secret may have been changed since.
  secret=$(print_secret)
  [ -z "$secret" ] || print_secret_file | cmp -s - "${arg[path]}"
}

# If the secret is missing, the installation continues and the verification reports it.
secret_apply() {
  local secret path=${arg[path]}
  ensure_parent_dir "$path" || return
  secret=$(print_secret)
  if [ -z "$secret" ]; then
    log_info "the secret ${arg[name]} is missing: set it in the environment or in /etc/rig/secrets/${arg[name]} and run this again"
    return
  fi
  if [ -n "${arg[account]-}" ] && [ "$secret" = "${secret%%:*}" ]; then
    printf 'the secret %s must have the form account:password\n' "${arg[name]}" >&2
    return 1
  fi
  (umask 077 && rm -f "$path.rig-new" && print_secret_file >"$path.rig-new" && chmod 0400 "$path.rig-new" && chown "${arg[owner]}" "$path.rig-new") || return
  # shellcheck disable=SC2086 # IDs of steps have no spaces
  invalidate_steps ${arg[dependents]-} && commit_file "$path" secret || return
  [ -z "${arg[template]-}" ] || write_stamp "${arg[id]}" "$(print_digest "$LOCK/${arg[id]}")"
}

# From the environment or from /etc/rig/secrets; nothing if neither has it.
print_secret() {
  local value
  value=$(printenv "${arg[name]}") || true
  [ -n "$value" ] || value=$(cat "/etc/rig/secrets/${arg[name]}" 2>/dev/null) || true
  printf '%s' "$value"
}

# The content of the file. printf is a shell builtin, so the secret never appears in the process list.
print_secret_file() {
  local line text
  if [ -z "${arg[template]-}" ]; then
    printf '%s\n' "$secret"
    return
  fi
  while IFS= read -r line || [ -n "$line" ]; do
    text=''
    while [ -n "$line" ]; do
      case $line in
        '{secret}'*) text+=$secret line=${line#'{secret}'} ;;
        '{account}'*) text+=${secret%%:*} line=${line#'{account}'} ;;
        '{password}'*) text+=${secret#*:} line=${line#'{password}'} ;;
        *) text+=${line:0:1} line=${line:1} ;;
      esac
    done
    printf '%s\n' "$text"
  done <"$LOCK/${arg[id]}"
}

# --- service

# name: of the systemd unit; unit: `yes` if the lock has its text in the file with the ID of the step;
# restart_on: steps whose files it reads. The words are a command that checks its configuration.
service_is_done() {
  [ -z "${arg[unit]-}" ] || is_installed_file "$LOCK/${arg[id]}" "/etc/systemd/system/${arg[name]}" 0644 root:root || return
  has_stamp "${arg[id]}" "$(print_service_digest)" &&
    { ! command -v systemctl >/dev/null || systemctl is-enabled --quiet "${arg[name]}"; } &&
    { [ ! -d /run/systemd/system ] || systemctl is-active --quiet "${arg[name]}"; }
}

service_apply() {
  [ -z "${arg[unit]-}" ] || install_file "$LOCK/${arg[id]}" "/etc/systemd/system/${arg[name]}" 0644 root:root || return
  record_unit "${arg[name]}" && service_start "$@"
}

# In a chroot or an image, systemd is missing or not running: the unit starts at the next boot.
service_start() {  # [WORD...]
  [ $# -eq 0 ] || "$@" || {
    printf 'not restarting %s: its configuration is invalid\n' "${arg[name]}" >&2
    return 1
  }
  { ! command -v systemctl >/dev/null || systemctl enable --quiet "${arg[name]}"; } &&
    { [ ! -d /run/systemd/system ] || { systemctl daemon-reload && systemctl restart "${arg[name]}"; }; } &&
    write_stamp "${arg[id]}" "$(print_service_digest)"
}

# The stamp covers the unit and every configuration file that the service reads.
print_service_digest() {
  local step
  for step in "${arg[id]}" ${arg[restart_on]-}; do
    [ ! -e "$LOCK/$step" ] || { printf '%s\n' "$step" && cat "$LOCK/$step"; } || return
  done | print_digest
}

# --- source-build

# url, sha256, prefix, creates; c_flags: of the compiler. The words are the arguments of its
# configure script and, after `--`, a command that fails if an optional part is missing.
source_build_is_done() {
  [ -e "${arg[creates]}" ] && has_stamp "${arg[id]}" "${arg[sha256]}"
}

source_build_apply() {
  local file=$CACHE/${arg[id]}.download build=$CACHE/${arg[id]} log=$CACHE/${arg[id]}.log
  mkdir -p "$CACHE" && download_file "${arg[url]}" "${arg[sha256]}" "$file" && record_tree "${arg[prefix]}" &&
    rm -rf "${arg[prefix]}" "$build" && mkdir -p "$build" "$(dirname "${arg[prefix]}")" &&
    tar --extract --no-same-owner --strip-components=1 --directory "$build" --file "$file" || return
  words_before "$@"
  run_logged "$log" configure_build "$build" ${WORDS[@]+"${WORDS[@]}"} &&
    run_logged "$log" make --directory "$build" --jobs "$(nproc)" &&
    run_logged "$log" make --directory "$build" install || return
  words_after "$@"
  [ "${#WORDS[@]}" -eq 0 ] || "${WORDS[@]}" || return
  rm -rf "$file" "$build" "$log" && write_stamp "${arg[id]}" "${arg[sha256]}"
}

configure_build() {  # DIR WORD...
  cd "$1" || return
  shift
  [ -z "${arg[c_flags]-}" ] || export CFLAGS="${arg[c_flags]}"
  ./configure --quiet "$@"
}

run_logged() {  # LOG COMMAND...: show only the end of the output, and only of a failure
  local log=$1
  shift
  ("$@") >"$log" 2>&1 || { tail -n 20 "$log" >&2; return 1; }
}

# --- user

# name; groups: separated by spaces; keys: `yes` if the lock has a file of SSH keys with the ID of the step.
# The words are the files that an existing account gets from /etc/skel.
user_is_done() {
  local path home
  id -u "${arg[name]}" >/dev/null 2>&1 && home=$(print_home "${arg[name]}") || return
  for path; do [ -e "$home/$path" ] || return; done
  has_stamp "${arg[id]}" "$(print_user_digest)"
}

user_apply() {
  local path
  create_account "${arg[name]}" && join_groups || return
  for path; do copy_skel_file "$path" || return; done
  install_ssh_keys && write_stamp "${arg[id]}" "$(print_user_digest)"
}

print_user_digest() {
  { [ -z "${arg[keys]-}" ] || cat "$LOCK/${arg[id]}" || return; printf '%s' "${arg[groups]-}"; } | print_digest
}

# Membership in a group that the rig no longer lists may have another reason by now: report it only.
join_groups() {
  local name=${arg[name]} recorded=$STATE/${arg[id]}.groups group
  for group in ${arg[groups]-}; do
    getent group "$group" >/dev/null || { printf 'no group %s on this machine, but user %s must be a member\n' "$group" "$name" >&2; return 1; }
  done
  if [ -e "$recorded" ]; then
    while IFS= read -r group; do
      case " ${arg[groups]-} " in *" $group "*) continue ;; esac
      ! id -nG "$name" | tr ' ' '\n' | grep -qxF -e "$group" ||
        log_info "$name is still in group $group, which the rig no longer lists; to remove it: gpasswd --delete"
    done <"$recorded"
  fi
  if [ -z "${arg[groups]-}" ]; then
    rm -f "$recorded"
    return
  fi
  mkdir -p "$STATE" && printf '%s\n' "${arg[groups]// /$'\n'}" >"$recorded.new" && mv -fT "$recorded.new" "$recorded" || return
  for group in ${arg[groups]}; do usermod --append --groups "$group" "$name" || return; done
}

copy_skel_file() {  # PATH
  # shellcheck disable=SC2016 # expanded by a shell of that user
  run_in_home "${arg[name]}" '
    umask 022 && cd "$1" && { [ -e "$2" ] || { mkdir -p "$(dirname "$2")" && cp "/etc/skel/$2" "$2"; }; }' "$1"
}

# Keep the keys of others, add each of ours once, and remove those that the rig no longer lists. Our keys
# are recorded before they are added, so that an interrupted run never leaves an unrecorded key.
install_ssh_keys() {
  local given=$LOCK/${arg[id]} ours=$STATE/${arg[id]}.keys
  if [ -z "${arg[keys]-}" ]; then
    [ -e "$ours" ] || return 0
    given=/dev/null
  else
    mkdir -p "$STATE" && { cat "$given" && { cat "$ours" 2>/dev/null || true; }; } | sort -u >"$ours.new" &&
      mv -fT "$ours.new" "$ours" || return
  fi
  { sed 's/^/+/' "$given" && sed 's/^/-/' "$ours"; } | run_in_home "${arg[name]}" "$MERGE_SSH_KEYS" || {
    printf 'could not write the SSH keys of %s to %s/.ssh/authorized_keys as that user: check its owner and where it links to\n' \
      "${arg[name]}" "$(print_home "${arg[name]}")" >&2
    return 1
  }
  if [ -n "${arg[keys]-}" ]; then
    cp "$given" "$ours.new" && mv -fT "$ours.new" "$ours"
  else
    rm -f "$ours"
  fi
}

# A program of the user. On stdin, our keys have the prefix `+`, and keys that were or will be ours `-`.
# shellcheck disable=SC2016 # expanded by a shell of that user
readonly MERGE_SSH_KEYS='
  umask 077 && ssh=$1/.ssh && input=$(cat) && mkdir -p "$ssh" && chmod 0700 "$ssh" && old= &&
    { ! [ -e "$ssh/authorized_keys" ] || old=$(cat "$ssh/authorized_keys"); } &&
    rm -f "$ssh/authorized_keys.rig-new" &&
    { printf "%s\n" "$input"; [ -z "$old" ] || printf "%s\n" "$old" | sed "s/^/ /"; } |
    awk "
      { key = substr(\$0, 2) }
      /^[+]/ { new[++count] = key }
      /^[+-]/ { ours[key] }
      /^ / && ! (key in ours) { print key }
      END { for (i = 1; i <= count; i++) print new[i] }" >"$ssh/authorized_keys.rig-new" &&
    mv -fT "$ssh/authorized_keys.rig-new" "$ssh/authorized_keys"'

# --- variables

# path: the file that login shells source
variables_is_done() {
  is_installed_file "$LOCK/${arg[id]}" "${arg[path]}" 0644 root:root
}

variables_apply() {
  install_file "$LOCK/${arg[id]}" "${arg[path]}" 0644 root:root
}

# --- verify

verify_is_done() {
  false
}

verify_apply() {
  DIFFERENCES=0
  run_checks || true
  [ "$DIFFERENCES" -eq 0 ]
}

# check TITLE EXPECTED COMMAND...: the command must print EXPECTED. A check that fails without output is also
# a difference.
check() {
  local title=$1 expected=$2 found line
  shift 2
  case $expected in
    '' | 'as locked')
      # The command prints a list of differences.
      found=$("$@") || found=${found:-the check failed}
      [ "$found" != "$expected" ] || return 0
      while IFS= read -r line; do printf '%s: %s\n' "$title" "$line" >&2; done <<<"${found:-the check printed nothing}"
      ;;
    *)
      found=$("$@") || true
      [ "$found" != "$expected" ] || return 0
      found=${found:-nothing}
      printf '%s: locked %s, found %s\n' "$title" "${expected//$'\n'/ }" "${found//$'\n'/ }" >&2
      ;;
  esac
  DIFFERENCES=$((${DIFFERENCES:-0} + 1))
  return 1
}

# As check, for what can succeed only after the reboot of the plan.
check_after_reboot() {  # TITLE EXPECTED COMMAND...
  if [ -e "$STATE/reboot" ] && [ ! -e "$STATE/reboot-due" ]; then
    check "$@"
  else
    printf '%s: will be checked after the reboot\n' "$1" >&2
  fi
}

# --- records of what the installer adds, written before each change

readonly RECORDS=$STATE/owned

# write_list LIST COMMAND...: replace the list with the output of the command. If the command fails or
# the disk is full, the list is unchanged, and the caller must stop.
write_list() {
  local list=$1
  shift
  mkdir -p "$STATE" && install -d -m 0700 "$RECORDS" || return
  if "$@" | cat >"$RECORDS/.new" && sync "$RECORDS/.new" && mv -fT "$RECORDS/.new" "$RECORDS/$list"; then
    # Not every file system can sync a directory.
    sync "$RECORDS" 2>/dev/null || true
  else
    rm -f "$RECORDS/.new"
    return 1
  fi
}

record() {  # LIST LINE...: add the lines that are not in the list yet
  [ $# -gt 2 ] || ! is_recorded "$1" "$2" || return 0
  write_list "$1" print_list_with "$@"
}

unrecord() {  # LIST LINE
  [ "$DRY_RUN" = no ] && [ -e "$RECORDS/$1" ] || return 0
  write_list "$1" print_list_without "$@"
}

print_list_with() {  # LIST LINE...
  local list=$1
  shift
  { read_list "$list" && printf '%s\n' "$@"; } | awk 'NF && !seen[$0]++'
}

print_list_without() {  # LIST LINE
  read_list "$1" | OTHER=$2 awk '$0 != ENVIRON["OTHER"]'
}

is_recorded() {  # LIST LINE
  [ -e "$RECORDS/$1" ] && LINE=$2 awk '$0 == ENVIRON["LINE"] { found = 1 } END { exit !found }' "$RECORDS/$1"
}

read_list() {  # LIST
  [ ! -e "$RECORDS/$1" ] || cat "$RECORDS/$1"
}

# lines_not_in FILE [FIELD]: print the lines of stdin that, from that field on, are not in the file.
lines_not_in() {
  LISTED=$1 FIELD=${2:-1} awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    { part = $0; for (i = 1; i < ENVIRON["FIELD"]; i++) sub(/^[^\t]*\t/, "", part) }
    !(part in listed)'
}

lines_in() {  # FILE: print the lines of stdin that are also in the file
  LISTED=$1 awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    $0 in listed'
}

run_or_print() {  # DESCRIPTION COMMAND...: in a dry run, only print the description, once
  if [ "$DRY_RUN" = yes ]; then
    log_info_once "         would $1"
  else
    log_info "         $1"
    shift
    "$@"
  fi
}

report_kept() {
  log_info_once "         kept $*"
}

log_info_once() {
  case $LOGGED in
    *"|$1|"*) ;;
    *)
      LOGGED+="|$1|"
      log_info "$1"
      ;;
  esac
}

list_other_rigs() {  # the other rigs on this machine, which share the lists
  read_list rigs | OTHER=$RIG_NAME awk '$0 != ENVIRON["OTHER"]' | paste -s -d ' '
}

# --- files and directories

record_dir() {
  local path=$1
  while [ ! -e "$path" ]; do
    record folders "$path" || return
    path=$(dirname "$path")
  done
}

print_sha256() {
  local sum
  sum=$(sha256sum <"$1") && printf '%s' "${sum%% *}"
}

path_exists() {
  [ -e "$1" ] || [ -L "$1" ]
}

is_same_file() {
  if [ -L "$1" ] || [ -L "$2" ]; then
    [ -L "$1" ] && [ -L "$2" ] && [ "$(readlink "$1")" = "$(readlink "$2")" ]
  else
    cmp -s "$1" "$2"
  fi
}

# A file with a secret is recorded by size and time: a digest would let passwords be guessed.
print_stat_mark() {
  local mark
  mark=$(stat -c '%s bytes, changed %.9Y' "$1") && printf '%-64s' "$mark"
}

is_recorded_file() {  # PATH: succeed if the current content is the recorded one
  local sum
  [ -f "$1" ] && [ ! -L "$1" ] && sum=$(print_sha256 "$1") && { is_recorded files "$sum  $1" || is_recorded files "$(print_stat_mark "$1")  $1"; }
}

# record_file PATH [secret]: PATH.rig-new is about to replace PATH. Back up a file of another origin;
# do not record an identical file that already exists.
record_file() {
  local digest
  if path_exists "$1" && ! is_recorded_file "$1"; then
    [ -L "$1" ] || ! cmp -s "$1" "$1.rig-new" || return 0
    back_up_file "$1" || return
  fi
  if [ $# -gt 1 ]; then
    write_list files print_files_with_mark "$1"
  else
    digest=$(print_sha256 "$1.rig-new") && record files "$digest  $1"
  fi
}

print_files_with_mark() {  # PATH: without the digests that older versions recorded for it
  {
    read_list files | OTHER=$1 awk 'substr($0, 67) != ENVIRON["OTHER"] || index($0, " ") < 65' &&
      { ! is_recorded_file "$1" || { print_stat_mark "$1" && printf '  %s\n' "$1"; }; } &&
      print_stat_mark "$1.rig-new" && printf '  %s\n' "$1"
  } | awk '!seen[$0]++'
}

list_recorded_paths() {  # of files
  read_list files | cut -c 67-
}

was_recorded_file() {  # PATH
  [ -e "$RECORDS/files" ] && LINE=$1 awk 'substr($0, 67) == ENVIRON["LINE"] { found = 1 } END { exit !found }' "$RECORDS/files"
}

print_files_without() {
  read_list files | OTHER=$1 awk 'substr($0, 67) != ENVIRON["OTHER"]'
}

# back_up_file PATH: write and record a copy before the file is replaced. BACKUP is set to its name.
back_up_file() {
  local count=0
  BACKUP=$1.before-rig
  while path_exists "$BACKUP" && ! is_same_file "$1" "$BACKUP"; do
    count=$((count + 1))
    BACKUP=$1.before-rig.$count
  done
  rm -f "$1.rig-kept" || return
  if ! path_exists "$BACKUP"; then
    cp -a "$1" "$1.rig-kept" || { rm -f "$1.rig-kept"; return 1; }
    [ -L "$1" ] || sync "$1.rig-kept" || return
    mv -T "$1.rig-kept" "$BACKUP" || return
  fi
  [ -n "$(print_backup_path "$1")" ] || record before "	$1	$BACKUP" || return
  log_info "         $1 already existed: saved as $BACKUP"
}

print_backup_path() {  # PATH
  read_list before | OF=$1 awk -F '\t' '$2 == ENVIRON["OF"] { print $3 }'
}

restore_backup() {  # PATH
  local back
  back=$(print_backup_path "$1") || return
  [ -n "$back" ] || return 0
  ! path_exists "$back" || run_or_print "restore $back" mv -fT "$back" "$1" || return
  unrecord before "	$1	$back"
}

restore_file() {
  [ "$DRY_RUN" = yes ] || rm -f "$1.rig-new" "$1.rig-kept" || return
  if path_exists "$1"; then
    was_recorded_file "$1" || return 0
    if ! is_recorded_file "$1"; then
      report_kept "$1: modified since it was installed"
      return 0
    fi
    run_or_print "remove $1" rm -f "$1" || return
  fi
  restore_backup "$1" || return
  [ "$DRY_RUN" = yes ] || ! was_recorded_file "$1" || write_list files print_files_without "$1"
}

# --- directories that belong to the rig alone

record_tree() {
  record_dir "$(dirname "$1")" && record trees "$1"
}

remove_tree() {
  if is_recorded trees "$1"; then
    [ ! -e "$1" ] || run_or_print "remove $1" rm -rf "$1" || return
    [ "$DRY_RUN" = yes ] || rm -rf "$1.rig-old" "$1.rig-gone" || return
    unrecord trees "$1"
  fi
}

# Keep the old directory until its replacement is complete. After an interruption, the old one is
# still in the stash, and the current one is incomplete.
stash_dir() {
  rm -rf "$1.rig-gone" || return
  if [ -e "$1.rig-old" ]; then
    rm -rf "$1"
  elif [ -e "$1" ]; then
    mv -T "$1" "$1.rig-old"
  fi
}

unstash_dir() {
  [ -e "$1.rig-old" ] || return 0
  rm -rf "$1" && mv -T "$1.rig-old" "$1" && log_info "         restored the previous $1"
}

# Rename the stash before deleting it, so that a partly deleted stash is never restored.
drop_stash() {
  [ ! -e "$1.rig-old" ] || mv -T "$1.rig-old" "$1.rig-gone" || return
  rm -rf "$1.rig-gone"
}

# --- files that the rig adds to shared directories

# record_contents ID DIR: record the current contents, which belong to others.
record_contents() {
  mkdir -p "$2" && archive_contents_lists "$1" "$2" && record shared "$1 $2" || return
  # After an interruption, the earlier record remains valid.
  [ ! -e "$RECORDS/before.$1" ] || [ -e "$RECORDS/contents.$1" ] || return 0
  write_list "before.$1" list_foreign_contents "$1" "$2" && rm -f "$RECORDS/contents.$1"
}

# The lists of another directory, such as that of the previous CUDA version, do not apply to this
# one. Rename them, to be processed at the end of an uninstall. Until the last of these commands, the
# lists count for neither directory.
archive_contents_lists() {  # ID DIR
  local folder count=1
  ! is_recorded shared "$1 $2" || return 0
  folder=$(read_list shared | ID=$1 awk '$1 == ENVIRON["ID"] { print substr($0, length($1) + 2); exit }') || return
  [ -n "$folder" ] || return 0
  while read_list shared | LINE="$1.$count $folder" ID=$1.$count awk '$1 == ENVIRON["ID"] && $0 != ENVIRON["LINE"] { taken = 1 } END { exit !taken }'; do
    count=$((count + 1))
  done
  record shared "$1.$count $folder" || return
  [ ! -e "$RECORDS/contents.$1" ] || mv -fT "$RECORDS/contents.$1" "$RECORDS/contents.$1.$count" || return
  [ ! -e "$RECORDS/before.$1" ] || mv -fT "$RECORDS/before.$1" "$RECORDS/before.$1.$count" || return
  unrecord shared "$1 $folder"
}

# Follow a symbolic link to a directory.
find_in_dir() {  # DIR...
  local folder
  folder=$(realpath -e "$1") || return
  shift
  find "$folder" -mindepth 1 "$@"
}

# List all files except unmodified ones from the rig. Of the directories, list only those of the first
# run: later ones are removed once they are empty.
list_foreign_contents() {  # ID DIR
  local contents=$RECORDS/contents.$1 before=$RECORDS/before.$1
  [ -e "$contents" ] || contents=/dev/null
  find_in_dir "$2" ! -type d -printf '%s\t%T@\t%P\n' | lines_not_in "$contents" | cut -f 3- || return
  if [ -e "$before" ]; then
    find_in_dir "$2" -type d -printf '%P\n' | lines_in "$before"
  else
    find_in_dir "$2" -type d -printf '%P\n'
  fi
}

# back_up_members ID DIR STRIP ARCHIVE: back up the files of others that the archive will replace. From
# then on, the backup is recorded as theirs.
back_up_members() {
  local id=$1 folder member path
  folder=$(realpath -e "$2") || return
  write_list members tar --list --show-transformed-names --quoting-style=literal --strip-components="$3" --file "$4" || return
  while IFS= read -r member <&5; do
    path=$folder/${member%/}
    path_exists "$path" || continue
    # Skip directories, and links to a directory that are a directory in the archive.
    [ ! -d "$path" ] || { [ -L "$path" ] && [ "$member" = "${member%/}" ]; } || continue
    path=$(realpath -e "${path%/*}")/${path##*/} || return
    if [ "${path#"$folder"/}" = "$path" ]; then
      # A link leads out of the directory: its target is in no list.
      [ -n "$(print_backup_path "$path")" ] || back_up_file "$path" || return
    elif is_recorded "before.$id" "${path#"$folder"/}"; then
      back_up_file "$path" && write_list "before.$id" print_list_replacing "before.$id" "${path#"$folder"/}" "${BACKUP#"$folder"/}" || return
    fi
  done 5<"$RECORDS/members" || return
  rm -f "$RECORDS/members"
}

print_list_replacing() {  # LIST OLD NEW: print the list with one line replaced
  read_list "$1" | WAS=$2 IS=$3 awk '$0 == ENVIRON["WAS"] { $0 = ENVIRON["IS"] } !seen[$0]++'
}

record_new_contents() {  # ID DIR: record the files added since, with size and time
  write_list "contents.$1" list_new_contents "$1" "$2"
}

list_new_contents() {
  find_in_dir "$2" ! -type d -printf '%s\t%T@\t%P\n' | lines_not_in "$RECORDS/before.$1" 3
}

restore_contents() {  # ID DIR
  local folder contents="$RECORDS/contents.$1" before="$RECORDS/before.$1" size time path
  is_recorded shared "$1 $2" && [ -e "$before" ] && [ -d "$2" ] || return 0
  folder=$(realpath -e "$2") || return
  # The step was interrupted: every file added since is the rig's.
  [ -e "$contents" ] || [ "$DRY_RUN" = yes ] || record_new_contents "$1" "$folder" || return
  [ ! -e "$contents" ] || log_info_once "         $([ "$DRY_RUN" = no ] || echo 'would ')remove $(wc -l <"$contents") files below $folder"
  [ "$DRY_RUN" = no ] || return 0
  while IFS=$'\t' read -r size time path <&5; do
    if [ "$(find "$folder/$path" -maxdepth 0 -printf '%s\t%T@' 2>/dev/null)" = "$size	$time" ]; then
      rm -f "$folder/$path" || return
    fi
    if ! path_exists "$folder/$path"; then
      restore_backup "$folder/$path" || return
    else
      report_kept "$folder/$path: modified since it was installed"
    fi
  done 5<"$contents" || return
  find_in_dir "$folder" -depth -type d -printf '%P\n' | lines_not_in "$before" |
    while IFS= read -r path; do rmdir "$folder/$path" 2>/dev/null || true; done || return
  rm -f "$contents" "$before" && unrecord shared "$1 $2"
}

# --- locks of apt

# Wait for other apt and dpkg processes; /proc/locks lists the locks they hold.
wait_for_apt() {
  local lock waited=0
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
    while [ -e "$lock" ] && grep -q ":$(stat -c %i "$lock") " /proc/locks 2>/dev/null; do
      [ "$waited" -gt 0 ] || log_info "         waiting for another apt or dpkg process to release $lock"
      [ "$waited" -lt 600 ] || { echo "timed out after 10 minutes waiting for $lock" >&2; return 1; }
      waited=$((waited + 1))
      sleep 1
    done
  done
}

# --- system packages

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@"
}

# Finish an interrupted dpkg run first: apt refuses to install while a package is half installed.
repair_packages() {
  local planned
  wait_for_apt || return
  if [ -n "$(dpkg --audit)" ] || [ -n "$(find /var/lib/dpkg/updates -type f)" ]; then
    echo 'dpkg was interrupted: configuring pending packages'
    DEBIAN_FRONTEND=noninteractive dpkg --configure --pending --force-confdef --force-confold || true
    if [ -n "$(dpkg --audit)" ]; then
      set -- install --fix-broken --yes --allow-downgrades --allow-change-held-packages
      # Do not run it if the simulation fails.
      apt_get update && planned=$(apt-get --simulate "$@") && refuse_removals "$planned" && apt_get "$@"
    fi
  fi
}

refresh_packages() {
  repair_packages && apt_get update
}

# refuse_removals PLANNED: fail if apt would remove a package that the rig did not install.
refuse_removals() {
  local foreign
  foreign=$(printf '%s\n' "$1" | print_removals | grep -vxF -e "$(read_list packages | cut -d ' ' -f 2)" | paste -s -d ' ' -) || true
  [ -n "$foreign" ] && [ "$ALLOW_REMOVALS" = no ] || return 0
  printf 'apt would remove packages that do not belong to the rig: %s\nNothing was changed. To allow it, run %s --allow-removals; otherwise lock compatible versions.\n' "$foreign" "$NAME" >&2
  return 1
}

print_removals() {
  sed -n 's/^\(Remv\|Purg\) \([^ ]*\) .*/\2/p'
}

install_packages() {  # ID OPTION... PACKAGE...
  local id=$1 planned removed marked
  shift
  planned=$(apt-get --simulate install --yes --no-install-recommends "$@") || return
  refuse_removals "$planned" || return
  removed=$(printf '%s\n' "$planned" | print_removals)
  # Do not remove more than the simulation showed: packages may be installed in the meantime.
  [ -n "$removed" ] || set -- --no-remove "$@"
  record packages "$(printf '%s\n' "$planned" | sed -n "s/^Inst \([^ ]*\) (.*/$id \1/p")" &&
    record upgraded "$(printf '%s\n' "$planned" | sed -n 's/^Inst \([^ ]*\) \[\([^]]*\)\].*/\1 \2/p')" &&
    record removed "$removed" &&
    marked=$(apt-mark showauto | filter_requested "$@") && record marked "$marked" &&
    apt_get install --yes --no-install-recommends "$@"
}

filter_requested() {  # OPTION... PACKAGE...: print the names of stdin that are among the packages
  REQUESTED=$* awk '
    BEGIN { count = split(ENVIRON["REQUESTED"], all, " "); for (i = 1; i <= count; i++) { sub(/=.*/, "", all[i]); requested[all[i]] } }
    $0 in requested'
}

record_holds() {
  local name holds
  holds=$(apt-mark showhold)
  for name; do
    printf '%s\n' "$holds" | grep -qxF -e "$name" || record holds "$name" || return
  done
}

release_holds() {
  local name
  for name; do
    if is_recorded holds "$name"; then
      ! apt-mark showhold | grep -qxF -e "$name" || run_or_print "release $name" apt-mark unhold "$name"
      unrecord holds "$name"
    fi
  done
}

filter_installed() {  # print the names of stdin that are installed
  local name
  while IFS= read -r name; do
    # shellcheck disable=SC2016 # dpkg-query fills this in
    dpkg-query -W -f='${db:Status-Abbrev}\n' "$name" 2>/dev/null | grep -q '^.[^nc]' && printf '%s\n' "$name"
  done
  true
}

# Print the packages of stdin that nothing else depends on: simulate an autoremove in which only they
# are marked as automatically installed.
filter_unneeded() {
  local marks name
  marks=$(mktemp -d) || return
  while IFS= read -r name; do
    printf 'Package: %s\nArchitecture: %s\nAuto-Installed: 1\n\n' "${name%%:*}" "$(dpkg-query -W -f='${Architecture}' "$name" | sed "s/^all\$/$(dpkg --print-architecture)/")"
  done >"$marks/extended_states"
  LC_ALL=C apt-get --simulate autoremove -o Dir::State::extended_states="$marks/extended_states" \
    -o APT::Ignore-Hold="$DRY_RUN" -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false |
    sed -n 's/^Remv \([^ ]*\) .*/\1/p'
  rm -rf "$marks"
}

purge_packages() {  # ID NAME...: purge the packages that the step installed; it requested NAME...
  local id=$1 name mine gone also others
  shift
  others=$(list_other_rigs) || return
  if [ -n "$others" ]; then
    report_kept "the packages of $id: still needed by $others"
    return 0
  fi
  [ "$DRY_RUN" = yes ] || repair_packages || return
  mine=$(read_list packages | sed -n "s/^$id //p" | filter_installed)
  gone=''
  [ -z "$mine" ] || gone=$(printf '%s\n' "$mine" | filter_unneeded | { grep -xF -e "$mine" || true; })
  for name in $mine; do
    printf '%s\n' "$gone" | grep -qxF -e "$name" || report_kept "package $name: another package depends on it"
  done
  for name; do
    read_list packages | OTHER=$name awk '$2 == ENVIRON["OTHER"] { found = 1 } END { exit !found }' || [ -z "$(printf '%s\n' "$name" | filter_installed)" ] ||
      report_kept "package $name: it was already installed$(read_list upgraded | sed -n "s/^$(printf '%s' "$name" | sed 's/[.+]/\\&/g') /, at version /p" | head -n 1)"
  done
  [ -n "$gone" ] || return 0
  # shellcheck disable=SC2086 # names of packages have no spaces
  also=$(apt-get --simulate --yes --allow-change-held-packages purge $gone | sed -n 's/^Purg \([^ ]*\) .*/\1/p' | { grep -vxF -e "$gone" || true; })
  if [ -n "$also" ]; then
    report_kept "packages $gone: removing them would remove $also"
    return 0
  fi
  # shellcheck disable=SC2086
  run_or_print "remove packages $(printf '%s' "$gone" | tr '\n' ' ')" apt_get purge --yes $gone
}

# Installing a package by name marks it as manual; mark these as automatic again.
restore_auto_marks() {
  local names
  names=$(read_list marked | filter_installed)
  # shellcheck disable=SC2086
  [ -z "$names" ] || apt-mark auto $names >/dev/null
}

# --- accounts, units, kernel command line

# Remove the locks of a killed useradd: their process is gone, or its ID now belongs to another program.
clear_account_locks() {
  local name file pid
  for name in passwd shadow group gshadow subuid subgid; do
    for file in "/etc/$name.lock" "/etc/$name".[0-9]*; do
      [ -f "$file" ] && [ ! -L "$file" ] && [ "$(stat -c %s "$file")" -le 20 ] || continue
      pid=$(tr -d '\0' <"$file")
      [ -n "$pid" ] || pid=${file##*.}
      [[ $pid =~ ^[0-9]+$ ]] && [[ ${file##*.} = lock || ${file##*.} = "$pid" ]] || continue
      ! tr -d '\0' 2>/dev/null <"/proc/$pid/comm" | grep -qE '^(user|group|gpass|ch|pass|vi|ad|new|pw|grp)' || continue
      rm -f "/etc/$name+" "$file"
    done
  done
}

# If its creation was interrupted, the account is created again with the same user ID.
create_account() {
  local name=$1 uid='' home=/home/$1
  clear_account_locks
  if is_recorded accounts-begun "$name"; then
    uid=$(id -u "$name" 2>/dev/null) || true
    if is_half_created "$name"; then
      userdel --force "$name" 2>/dev/null || true
      ! grep -q "^$name:" /etc/group || groupdel "$name" || return
      is_recorded homes-before "$home" || rm -rf "$home"
    else
      forget_unfinished_account "$name"
    fi
  fi
  ! id -u "$name" >/dev/null 2>&1 || return 0
  if getent group "$name" >/dev/null; then
    echo "group $name already exists: remove it, or create the account with: useradd --create-home --gid $name $name" >&2
    return 1
  fi
  { [ ! -e "$home" ] || is_recorded accounts-begun "$name" || record homes-before "$home"; } &&
    record accounts-begun "$name" || return
  if ! useradd ${uid:+--uid "$uid"} --create-home --shell /bin/bash "$name"; then
    id -u "$name" >/dev/null 2>&1 || getent group "$name" >/dev/null || forget_unfinished_account "$name"
    return 1
  fi
  record accounts "$name" && forget_unfinished_account "$name"
}

# Succeed if the account has only what useradd writes, so it has never been used.
is_half_created() {
  local name=$1 home=/home/$1 gid=''
  if grep -q "^$name:" /etc/passwd; then
    gid=$(id -g "$name")
    grep -qE "^$name:x:[0-9]+:[0-9]+::$home:/bin/bash\$" /etc/passwd || return 1
    ! grep "^$name:" /etc/shadow | grep -qv "^$name:!:" || return 1
  fi
  ! grep -qE "^[^:]*:[^:]*:[^:]*:(.*,)?$name(,.*)?\$" /etc/group || return 1
  ! grep "^$name:" /etc/group | grep -qvE ":[0-9]+:\$" || return 1
  gid=${gid:-$(sed -n "s/^$name:[^:]*:\([0-9]*\):.*/\1/p" /etc/group)}
  [ -z "$gid" ] || [ -z "$(awk -F : -v gid="$gid" -v name="$name" '$4 == gid && $1 != name' /etc/passwd)" ] || return 1
  is_recorded homes-before "$home" || { [ ! -L "$home" ] && has_only_skel_files "$home"; }
}

has_only_skel_files() {
  local file
  [ -e "$1" ] || return 0
  [ -d "$1" ] || return 1
  find "$1" -mindepth 1 ! -type d -printf '%P\n' | while IFS= read -r file; do
    [ ! -L "$1/$file" ] || [ -L "/etc/skel/$file" ] || exit 1
    [ ! -s "$1/$file" ] || cmp -s "$1/$file" "/etc/skel/$file" || exit 1
  done
}

forget_unfinished_account() {
  unrecord accounts-begun "$1" && unrecord homes-before "/home/$1"
}

report_kept_account() {
  if id -u "$1" >/dev/null 2>&1; then
    report_kept "account $1 and its home; to remove both: deluser --remove-home $1"
  fi
}

# Record only groups that did not exist before.
create_group() {
  clear_account_locks
  getent group "$1" >/dev/null || { record groups "$1" && groupadd --system "$1"; }
}

remove_group() {
  is_recorded groups "$1" || return 0
  ! getent group "$1" >/dev/null || run_or_print "remove group $1" groupdel "$1"
  unrecord groups "$1"
}

remove_quota() {
  is_recorded quotas "$1" || return 0
  if id -u "$1" >/dev/null 2>&1 && command -v setquota >/dev/null; then
    run_or_print "remove the quota of $1" setquota -u "$1" 0 0 0 0 "$(df --output=target "$(getent passwd "$1" | cut -d : -f 6)" | tail -n 1)" 2>/dev/null || true
  fi
  unrecord quotas "$1"
}

# Record only units that were not enabled before.
record_unit() {
  ! command -v systemctl >/dev/null || systemctl is-enabled --quiet "$1" 2>/dev/null || record units "$1"
}

remove_unit() {
  if is_recorded units "$1" && command -v systemctl >/dev/null; then
    [ ! -d /run/systemd/system ] || run_or_print "stop $1" systemctl stop "$1"
    run_or_print "disable $1" systemctl disable --quiet "$1"
    unrecord units "$1"
  fi
  restore_file "/etc/systemd/system/$1"
  [ "$DRY_RUN" = yes ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# A unit that was enabled before keeps running, without the rig's configuration.
restart_unit() {
  ! is_recorded units "$1" || return 0
  [ -d /run/systemd/system ] && systemctl is-active --quiet "$1" || return 0
  run_or_print "restart $1" systemctl try-restart "$1"
}

restore_kernel_command_line() {
  local file=/etc/default/grub.d/rig.cfg
  if was_recorded_file "$file"; then
    [ "$DRY_RUN" = yes ] || record unfinished update-grub || return
    restore_file "$file" || return
  fi
  if [ "$DRY_RUN" = yes ] || is_recorded unfinished update-grub; then
    ! command -v update-grub >/dev/null || run_or_print "regenerate the GRUB menu" update-grub || return
    unrecord unfinished update-grub
  fi
}

# --- the plan, loaded into arrays

declare -a IDS=() PLAN=()
declare -A TITLES=() OFFSETS=() LENGTHS=()

# step ID TITLE KIND [KEY=VALUE...] [-- WORD...]: one step of the plan
step() {
  IDS+=("$1")
  TITLES[$1]=$2
  OFFSETS[$1]=${#PLAN[@]}
  LENGTHS[$1]=$#
  PLAN+=("$@")
}

run_on_step() {  # ID FUNCTION
  call_step "$2" "${PLAN[@]:${OFFSETS[$1]}:${LENGTHS[$1]}}"
}

# --- the files of the lock

# lock_files DIGEST NAME...: files in the directory files/ next to the installer; DIGEST is that of their digests
lock_files() {
  local digest=$1 file
  shift
  for file; do
    [ -f "$SOURCE/$file" ] || fail "missing file $SOURCE/$file: copy $NAME together with its files/ directory"
  done
  [ "$(cd "$SOURCE" && sha256sum -- "$@" | print_digest)" = "$digest" ] ||
    fail "the files in $SOURCE do not belong to this installer: copy $NAME and its files/ directory again"
  [ "$LOCK" != "$SOURCE" ] || return 0
  for file; do
    cmp -s "$SOURCE/$file" "$LOCK/$file" ||
      { install -m 0644 "$SOURCE/$file" "$LOCK/$file.rig-new" && mv -fT "$LOCK/$file.rig-new" "$LOCK/$file"; }
  done
}

# embedded_file NAME SHA256 BASE64: a file in the installer itself
embedded_file() {
  local file=$LOCK/$1
  base64 --decode <<<"$3" >"$file.rig-new"
  printf '%s  %s\n' "$2" "$file.rig-new" | sha256sum --check --status || fail "embedded file $1 is corrupt; download $NAME again"
  chmod 0644 "$file.rig-new"
  mv -fT "$file.rig-new" "$file"
}

# Install them for the steps. If nothing is installed, the steps read the files of this installer.
provide_lock_files() {
  SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/files
  if [ "$1" = install_rig ] && [ "$DRY_RUN" = no ]; then
    mkdir -p "$LOCK"
  elif [ -n "$EMBEDDED" ]; then
    LOCK=$(mktemp -d)
    trap 'rm -rf "$LOCK"' EXIT
  else
    LOCK=$SOURCE
  fi
  list_lock_files
}

# --- output and log

readonly LOG=/var/log/rig.log

# A full disk must not stop the installation: everything needed later is recorded elsewhere.
log() {
  [ "$DRY_RUN" = yes ] || printf '%(%F %T)T %s\n' -1 "$*" 2>/dev/null >&8 || true
}

# Print to the terminal and to the log.
log_info() {
  [ ! -t 7 ] || printf '\r\033[K' >&7
  printf '%s\n' "$*" >&7
  log "$*"
}

fail() {
  printf '%s: %s\n' "$NAME" "$*" >&2
  exit 1
}

open_log() {
  [ ! -L "$LOG" ] || fail "$LOG is a symbolic link; remove it"
  (umask 027 && : >>"$LOG")
  chmod 0640 "$LOG"
  exec 8>>"$LOG"
  printf '%(%F %T)T --- %s\n' -1 "$NAME $*" 2>/dev/null >&8 ||
    printf '%s: cannot write to %s: the output of the steps is lost\n' "$NAME" "$LOG" >&2
}

# Write the output of a step to the log, with a timestamp per line; a terminal shows the elapsed time.
log_output() {
  local line part='' status
  while true; do
    status=0
    IFS= read -r -t 1 line || status=$?
    if [ "$status" -eq 0 ]; then
      log "    $part$line"
      part=''
    elif [ "$status" -gt 128 ]; then
      part+=$line
    else
      [ -z "$part$line" ] || log "    $part$line"
      break
    fi
    [ ! -t 7 ] || printf '\r%s (%d s)' "$1" "$SECONDS" >&7
  done
}

# --- steps

# run_in_group LINE COMMAND...: run the command in a separate process group, so that a signal reaches all of it.
# A terminal shows LINE in the meantime.
run_in_group() {
  local line=$1 status=0
  shift
  SECONDS=0
  set -m
  { "$@" </dev/null 2>&1 | log_output "$line"; } &
  STEP=$!
  set +m
  wait "$STEP" || status=$?
  STEP=''
  [ ! -t 7 ] || printf '\r\033[K' >&7
  return "$status"
}

install_step() {  # COUNT ID
  local count=$1 id=$2 title=${TITLES[$2]} from
  if run_on_step "$id" is_done 2>/dev/null; then
    log_info "$count ok       $title"
  elif [ "$DRY_RUN" = yes ]; then
    log_info "$count would do $title"
  else
    log_info "$count doing    $title"
    from=$(stat -c %s "$LOG")
    if ! run_in_group "$count doing    $title" run_on_step "$id" apply; then
      tail -c "+$((from + 1))" "$LOG" | sed 's/^[-0-9]* [:0-9]* //' | tail -n 40 >&2
      log "step $id failed"
      fail "step $id failed: $title; see $LOG, then run $NAME again"
    fi
    log_info "$count done     $title ($SECONDS s)"
  fi
}

# Print the number and ID of each selected step.
list_selected_steps() {
  local index id
  for index in "${!IDS[@]}"; do
    id=${IDS[$index]}
    if [ -z "$ONLY" ] || [ "$id" = "$ONLY" ]; then
      printf '[%d/%d] %s\n' "$((index + 1))" "${#IDS[@]}" "$id"
    fi
  done
}

# --- installation

handle_signal() {
  trap '' HUP INT TERM
  if [ -n "$STEP" ]; then
    kill -TERM -- "-$STEP" 2>/dev/null || true
    wait "$STEP" || true
  fi
  log_info "stopped by $1: run $NAME again to resume"
  exit "$2"
}

# The reboot has happened if the boot ID differs from the one that was recorded.
clear_reboot_due() {
  if [ -e "$STATE/reboot-due" ] && [ "$(cat "$STATE/reboot-due")" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then
    rm -f "$STATE/reboot-due"
    log_info "the required reboot has happened"
  fi
}

install_rig() {
  local count id
  [ "$DRY_RUN" = yes ] || clear_reboot_due
  while read -r count id <&6; do
    install_step "$count" "$id"
  done 6< <(list_selected_steps)
  if [ -e "$STATE/reboot-due" ]; then
    log_info "reboot this machine: ${TITLES[reboot]-}. Then run $NAME again to verify the installation."
  fi
}

# Only root can open the lock file: otherwise any user could block every installation.
take_lock() {
  mkdir -p "$STATE"
  (umask 077 && : >>"$STATE/lock")
  exec 9<"$STATE/lock"
  # An uninstall deletes the file: a lock on a deleted file has no effect.
  if ! flock --nonblock 9 || ! [ "$STATE/lock" -ef /dev/fd/9 ]; then
    fail "another installation is running; nothing was changed"
  fi
}

# --- apt-packages

apt_packages_remove() {
  local pin names
  words_before "$@"
  names=(${WORDS[@]+"${WORDS[@]}"})
  if [ -n "${arg[packages]-}" ]; then
    while read -r pin _; do names+=("${pin%%=*}"); done <"$LOCK/${arg[packages]}" || return
  fi
  words_after "$@"
  release_holds ${WORDS[@]+"${WORDS[@]}"} && purge_packages "${arg[id]}" "${names[@]}"
}

# --- apt-repository

apt_repository_remove() {
  restore_file "/etc/apt/sources.list.d/${arg[name]}.list" && restore_file "/etc/apt/keyrings/${arg[name]}.gpg"
}

# --- apt-source

apt_source_remove() {
  restore_file "/etc/apt/sources.list.d/${arg[name]}.list"
}

# --- archive

archive_remove() {
  if [ -n "${arg[exclusive]-}" ]; then
    remove_tree "${arg[to]}"
  else
    restore_contents "${arg[id]}" "${arg[to]}"
  fi
}

# --- certificate

certificate_remove() {
  restore_file "${arg[certificate]}" && restore_file "${arg[key]}"
}

# --- download

download_remove() {
  restore_file "${arg[to]}"
}

# --- environment

environment_remove() {
  remove_tree "${arg[path]}"
}

# --- file

file_remove() {
  local id
  restore_file "${arg[path]}" || return
  for id in ${arg[dependents]-}; do run_on_step "$id" restart || return; done
}

# --- group

group_remove() {
  remove_group "${arg[name]}"
}

# --- host-packages

host_packages_remove() {
  apt_packages_remove "$@"
}

# --- installer

installer_remove() {
  if [ -n "${arg[prefix]-}" ]; then
    remove_tree "${arg[prefix]}"
  else
    restore_contents "${arg[id]}" "$(print_shared_dir)"
  fi
}

# --- kernel-arguments

kernel_arguments_remove() {
  restore_kernel_command_line
}

# --- quota

quota_remove() {
  remove_quota "${arg[user]}"
}

# --- secret

secret_remove() {
  restore_file "${arg[path]}"
}

# --- service

service_remove() {
  remove_unit "${arg[name]}"
}

# After the removal of a file that the service reads.
service_restart() {  # [WORD...]
  if [ $# -eq 0 ] || "$@"; then
    restart_unit "${arg[name]}"
  else
    report_kept "${arg[name]}: not restarted, its configuration is invalid"
  fi
}

# --- source-build

source_build_remove() {
  remove_tree "${arg[prefix]}"
}

# --- user

user_remove() {
  report_kept_account "${arg[name]}"
}

# --- variables

variables_remove() {
  restore_file "${arg[path]}"
}

# --- uninstall

uninstall_rig() {
  local count id
  while read -r count id <&6; do
    uninstall_step "$count" "$id"
  done 6< <(list_selected_steps | tac)
  [ -n "$ONLY" ] || remove_remaining
}

uninstall_step() {  # COUNT ID
  local count=$1 id=$2
  log_info "$count $([ "$DRY_RUN" = yes ] && echo 'would undo' || echo undoing) ${TITLES[$id]}"
  if [ "$DRY_RUN" = yes ]; then
    remove_step "$id"
  elif ! run_in_group "$count undoing" remove_step "$id"; then
    tail -n 20 "$LOG" >&2
    fail "could not undo step $id: ${TITLES[$id]}; see $LOG, then run $NAME again"
  fi
}

# Some kinds of steps leave nothing that could be removed.
remove_step() {  # ID
  local kind=${PLAN[${OFFSETS[$1]} + 2]}
  [ "$DRY_RUN" = yes ] || rm -f "$STATE/$1" "$STATE/$1.keys" "$STATE/$1.groups" || return
  ! declare -F "${kind//-/_}_remove" >/dev/null || run_on_step "$1" remove
}

# Remove what older versions of the rig have left behind, then the state.
remove_remaining() {
  local id folder path name others
  others=$(list_other_rigs)
  if [ -n "$others" ]; then
    report_kept "$STATE and files of older versions: still needed by $others"
    unrecord rigs "$RIG_NAME"
    return
  fi
  list_recorded_paths | sort -u | while IFS= read -r path; do restore_file "$path"; done
  read_list shared | while read -r id folder; do restore_contents "$id" "$folder"; done
  read_list trees | while IFS= read -r path; do remove_tree "$path"; done
  read_list packages | cut -d ' ' -f 1 | sort -u | while read -r id; do purge_packages "$id"; done
  read_list removed | while read -r name; do
    [ -n "$(printf '%s\n' "$name" | filter_installed)" ] || log_info_once "         package $name was removed by the installation and is not restored; install it again if you need it"
  done
  if [ "$DRY_RUN" = no ]; then
    restore_auto_marks
    rm -rf /opt/rig/lock /var/cache/rig
    read_list folders | sort -r | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || true; done
    rmdir /opt/rig/envs /opt/rig 2>/dev/null || true
    rm -rf "$STATE"
  fi
  [ ! -d /opt/rig ] || [ "$DRY_RUN" = yes ] || report_kept "/opt/rig: it still contains $(find /opt/rig -mindepth 1 -maxdepth 1 -printf '%f ')"
  log_info "the log $LOG was kept; driver and kernel arguments remain active until the next boot"
}

# --- the command line

usage() {
  cat <<USAGE
usage: $NAME [--dry-run] [--step ID] [--allow-removals | --uninstall]
       $NAME --list | --help

Installs the rig. Each step is skipped if already complete. The result is verified against the lock.
Safe to interrupt at any time and run again.

  --list        list the steps
  --dry-run     print what would be done without changing anything
  --step ID     run only this step
  --uninstall   remove what was installed, in reverse order. Keeps and lists: packages that were already
                installed or that others depend on, modified files, accounts and their home directories.
                Does not prompt
  --allow-removals
                allow apt to remove conflicting packages that do not belong to the rig; by default, the
                step lists them and fails without changing anything
  --help        print this help

log:   $LOG
state: $STATE (completed steps, and records of what was installed)

exit status:
  0    success; if a reboot is required, it is reported, and $STATE/reboot-due exists until then
  1    a step failed, this is the wrong machine, or something differs from the lock
  2    usage error
  129, 130, 143   stopped by a signal
USAGE
}

main() {
  local action=install_rig arguments="$*"
  DRY_RUN=no ALLOW_REMOVALS=no ONLY='' STEP='' LOGGED=''
  load_plan
  while [ $# -gt 0 ]; do
    case $1 in
      --help) usage; return ;;
      --list) printf '%s\n' "${IDS[@]}"; return ;;
      --dry-run) DRY_RUN=yes ;;
      --allow-removals) ALLOW_REMOVALS=yes ;;
      --uninstall) action=uninstall_rig ;;
      --step)
        [ $# -ge 2 ] || { printf '%s: --step requires a step ID; see --list\n' "$NAME" >&2; exit 2; }
        ONLY=$2
        if [ -z "$ONLY" ] || [ -z "${TITLES[$ONLY]-}" ]; then
          printf '%s: no step "%s"; see --list\n' "$NAME" "$ONLY" >&2
          exit 2
        fi
        shift
        ;;
      *) printf '%s: unknown option: %s\n' "$NAME" "$1" >&2; usage >&2; exit 2 ;;
    esac
    shift
  done
  umask 022
  export LC_ALL=C.UTF-8
  exec 7>&1
  [ "$(id -u)" -eq 0 ] || fail "must be run as root; use sudo"
  run_on_step platform is_done || fail "nothing was changed"
  if [ "$DRY_RUN" = no ]; then
    take_lock
    # Older versions created it readable by all users.
    [ ! -d "$RECORDS" ] || chmod 0700 "$RECORDS"
    trap 'handle_signal SIGHUP 129' HUP
    trap 'handle_signal SIGINT 130' INT
    trap 'handle_signal SIGTERM 143' TERM
    open_log "$arguments"
    [ "$action" = uninstall_rig ] || record rigs "$RIG_NAME" || fail "cannot write to $STATE; nothing was changed"
  fi
  provide_lock_files "$action"
  "$action"
}
{ trap - EXIT; main "$@"; }
