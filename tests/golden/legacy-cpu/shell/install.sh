#!/usr/bin/env bash
# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Installs the rig legacy-cpu, machine box. Written by rigspec from lock
# d16b064f3d972d4ffee4b814e99493990dba5542ac25338d05231504aa71b7eb.
#
# Run as root. Safe to re-run: completed steps are skipped.
#
# Not included:
# - pinning of base image debian:11: no registry answered, and the matrix has no digest of it
set -euo pipefail

# Nothing runs before the last line, so a truncated download does nothing but report it.
trap 'echo install.sh": this file is truncated; download it again" >&2; exit 1' EXIT

readonly NAME=install.sh
readonly RIG_NAME=legacy-cpu
readonly STEPS=(platform interpreters env-tf18 settings-tf18-keras verify)
readonly LOG=/var/log/rig.log
readonly STATE=/var/lib/rig
readonly RECORDS=$STATE/owned

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

title() {
  case $1 in
    platform) printf '%s' 'Platform: debian 11 on x86_64' ;;
    interpreters) printf '%s' 'Packages: Python interpreters' ;;
    env-tf18) printf '%s' 'Python environment tf18' ;;
    settings-tf18-keras) printf '%s' 'Settings of keras for new accounts' ;;
    verify) printf '%s' 'Verify the installation against the lock' ;;
  esac
}

is_done_platform() {
  found="$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"') $(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')" && \
    { test "$found" = 'debian 11' || { printf 'this rig is for %s, but this machine runs %s\n' 'debian 11' "$found" >&2; false; }; } && \
    found=$(uname -m) && \
    { test "$found" = x86_64 || { printf 'this rig is for %s, but this machine is %s\n' x86_64 "$found" >&2; false; }; }
}

apply_platform() {
  found="$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"') $(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')" && \
    { test "$found" = 'debian 11' || { printf 'this rig is for %s, but this machine runs %s\n' 'debian 11' "$found" >&2; false; }; } && \
    found=$(uname -m) && \
    { test "$found" = x86_64 || { printf 'this rig is for %s, but this machine is %s\n' x86_64 "$found" >&2; false; }; }
}

remove_platform() {
  remove_step_state platform
}

is_done_interpreters() {
  test "$(cat /var/lib/rig/interpreters 2>/dev/null)" = 20936207b7841a3910b702bef21d569758adf4f7b3f52445940aeb6ea348513c && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.interpreter.txt >/dev/null
}

apply_interpreters() {
  refresh_packages && \
    sh /opt/rig/lock/check-packages.sh archive /opt/rig/lock/packages.interpreter.txt >&2 && \
    install_packages interpreters --allow-downgrades \
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
      readline-common=8.1-1 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 20936207b7841a3910b702bef21d569758adf4f7b3f52445940aeb6ea348513c > /var/lib/rig/.interpreters.new && \
    mv -fT /var/lib/rig/.interpreters.new /var/lib/rig/interpreters
}

remove_interpreters() {
  remove_step_state interpreters && \
    purge_packages interpreters python2.7 virtualenv ca-certificates libexpat1 libgdbm-compat4 libgdbm6 libmpdec3 libncursesw6 libperl5.32 libpython2.7-minimal libpython2.7-stdlib libpython3-stdlib libpython3.9-minimal libpython3.9-stdlib libreadline8 libsqlite3-0 mailcap media-types mime-support openssl perl perl-base perl-modules-5.32 python-pip-whl python2.7-minimal python3 python3-appdirs python3-distlib python3-distutils python3-filelock python3-importlib-metadata python3-lib2to3 python3-minimal python3-more-itertools python3-pip python3-pkg-resources python3-setuptools python3-six python3-virtualenv python3-wheel python3-zipp python3.9 python3.9-minimal readline-common
}

is_done_env_tf18() {
  test -x /opt/rig/envs/tf18/bin/python && \
    test "$(cat /var/lib/rig/env-tf18 2>/dev/null)" = 44584f0f59255b6cb28ba6bedbb2404433a929f7ce1124203e786675b67783ec
}

apply_env_tf18() {
  record_tree /opt/rig/envs/tf18 && \
    stash_dir /opt/rig/envs/tf18 && \
    { { mkdir -p "$(dirname /opt/rig/envs/tf18)" && \
    virtualenv --python python2.7 /opt/rig/envs/tf18 >/dev/null && \
    /opt/rig/envs/tf18/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --only-binary :all: --upgrade --force-reinstall -r /opt/rig/lock/tf18.tools.txt && \
    /opt/rig/envs/tf18/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --only-binary :all: --no-deps -r /opt/rig/lock/tf18.requirements.txt && \
    /opt/rig/envs/tf18/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --no-build-isolation --no-deps -r /opt/rig/lock/tf18.sources.txt; } || { unstash_dir /opt/rig/envs/tf18; false; }; } && \
    drop_stash /opt/rig/envs/tf18 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 44584f0f59255b6cb28ba6bedbb2404433a929f7ce1124203e786675b67783ec > /var/lib/rig/.env-tf18.new && \
    mv -fT /var/lib/rig/.env-tf18.new /var/lib/rig/env-tf18
}

remove_env_tf18() {
  remove_step_state env-tf18 && \
    remove_tree /opt/rig/envs/tf18
}

is_done_settings_tf18_keras() {
  test "$(stat -c '%a %U:%G' /etc/skel/.keras/keras.json 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' 94e3cc3e03e11a2440b72bcbf134f8ab01c5b3aba45787b56b24bee2745eeea2 /etc/skel/.keras/keras.json | sha256sum --check --status
}

apply_settings_tf18_keras() {
  record_dir "$(dirname /etc/skel/.keras/keras.json)" && \
    mkdir -p "$(dirname /etc/skel/.keras/keras.json)" && \
    install -m 0644 -o root -g root /opt/rig/lock/settings-tf18-keras /etc/skel/.keras/keras.json.rig-new && \
    record_file /etc/skel/.keras/keras.json && \
    mv -fT /etc/skel/.keras/keras.json.rig-new /etc/skel/.keras/keras.json
}

remove_settings_tf18_keras() {
  remove_step_state settings-tf18-keras && \
    restore_file /etc/skel/.keras/keras.json
}

is_done_verify() {
  false
}

apply_verify() {
  differences=0 && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.interpreter.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (interpreter)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(/opt/rig/envs/tf18/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])') || true; } && \
    { test "$found" = 2.7 || { printf '%s: locked %s, found %s\n' 'Python of tf18' 2.7 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    { { { found=$(/opt/rig/envs/tf18/bin/python /opt/rig/lock/verify_packages.py /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt /opt/rig/lock/tf18.sources.txt) || found=${found:-the check failed}; } && \
    { test "$found" = '' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages of tf18' "$line"; done >&2; false; }; }; } || differences=1; } && \
    test "$differences" = 0
}

remove_verify() {
  remove_step_state verify
}

# --- records of what the installer adds, written before each change

# write_list LIST COMMAND…: replace the list with the output of the command. If the command fails or
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

record() {  # LIST LINE…: add the lines that are not in the list yet
  [ $# -gt 2 ] || ! is_recorded "$1" "$2" || return 0
  write_list "$1" print_list_with "$@"
}

unrecord() {  # LIST LINE
  [ "$DRY_RUN" = no ] && [ -e "$RECORDS/$1" ] || return 0
  write_list "$1" print_list_without "$@"
}

print_list_with() {  # LIST LINE…
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

run_or_print() {  # DESCRIPTION COMMAND…: in a dry run, only print the description, once
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
find_in_dir() {  # DIR…
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

# --- system packages

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@"
}

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

install_packages() {  # ID OPTION… PACKAGE…
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

filter_requested() {  # OPTION… PACKAGE…: print the names of stdin that are among the packages
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

purge_packages() {  # ID NAME…: purge the packages that the step installed; it requested NAME…
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

# --- the end of an uninstall

remove_step_state() {
  [ "$DRY_RUN" = yes ] || rm -f "$STATE/$1" "$STATE/$1.keys" "$STATE/$1.groups"
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

# --- the files of the lock, where the steps expect them

install_lock_files() {
  local directory file
  directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  mkdir -p /opt/rig/lock
  for file in packages.interpreter.txt check-packages.sh verify_packages.py tf18.requirements.txt tf18.tools.txt tf18.sources.txt settings-tf18-keras; do
    [ -f "$directory/files/$file" ] || fail "missing file $directory/files/$file: copy $NAME together with its files/ directory"
    if ! cmp -s "$directory/files/$file" "/opt/rig/lock/$file"; then
      install -m 0644 "$directory/files/$file" "/opt/rig/lock/$file.rig-new"
      mv -fT "/opt/rig/lock/$file.rig-new" "/opt/rig/lock/$file"
    fi
  done
}

# --- output and log

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

# run_in_group FUNCTION LINE: run the function in a separate process group, so that a signal reaches all
# of it. A terminal shows LINE in the meantime.
run_in_group() {
  local status=0
  SECONDS=0
  set -m
  { "$1" </dev/null 2>&1 | log_output "$2"; } &
  STEP=$!
  set +m
  wait "$STEP" || status=$?
  STEP=''
  [ ! -t 7 ] || printf '\r\033[K' >&7
  return "$status"
}

run_step() {
  local count=$1 id=$2 name=${2//[^a-z0-9]/_} from
  if "is_done_$name" 2>/dev/null; then
    log_info "$count ok       $(title "$id")"
  elif [ "$DRY_RUN" = yes ]; then
    log_info "$count would do $(title "$id")"
  else
    log_info "$count doing    $(title "$id")"
    from=$(stat -c %s "$LOG")
    if ! run_in_group "apply_$name" "$count doing    $(title "$id")"; then
      tail -c "+$((from + 1))" "$LOG" | sed 's/^[-0-9]* [:0-9]* //' | tail -n 40 >&2
      log "step $id failed"
      fail "step $id failed: $(title "$id"); see $LOG, then run $NAME again"
    fi
    log_info "$count done     $(title "$id") ($SECONDS s)"
  fi
}

uninstall_step() {
  local count=$1 id=$2 name=${2//[^a-z0-9]/_}
  log_info "$count $([ "$DRY_RUN" = yes ] && echo 'would undo' || echo undoing) $(title "$id")"
  if [ "$DRY_RUN" = yes ]; then
    "remove_$name"
  elif ! run_in_group "remove_$name" "$count undoing"; then
    tail -n 20 "$LOG" >&2
    fail "could not undo step $id: $(title "$id"); see $LOG, then run $NAME again"
  fi
}

# Print the number and ID of each selected step.
list_selected_steps() {
  local index id
  for index in "${!STEPS[@]}"; do
    id=${STEPS[$index]}
    if [ -z "$ONLY" ] || [ "$id" = "$ONLY" ]; then
      printf '[%d/%d] %s\n' "$((index + 1))" 5 "$id"
    fi
  done
}

# --- install and uninstall

handle_signal() {
  trap '' HUP INT TERM
  if [ -n "$STEP" ]; then
    kill -TERM -- "-$STEP" 2>/dev/null || true
    wait "$STEP" || true
  fi
  log_info "stopped by $1: run $NAME again to resume"
  trap - EXIT
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
  if [ "$DRY_RUN" = no ]; then
    record rigs "$RIG_NAME" || fail "cannot write to $STATE; nothing was changed"
    install_lock_files
    clear_reboot_due
  fi
  while read -r count id <&6; do
    run_step "$count" "$id"
  done 6< <(list_selected_steps)
  if [ -e "$STATE/reboot-due" ]; then
    log_info "reboot this machine: $(title reboot). Then run $NAME again to verify the installation."
  fi
}

uninstall_rig() {
  local count id
  while read -r count id <&6; do
    uninstall_step "$count" "$id"
  done 6< <(list_selected_steps | tac)
  [ -n "$ONLY" ] || remove_remaining
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

main() {
  local action=install_rig arguments="$*"
  DRY_RUN=no ALLOW_REMOVALS=no ONLY='' STEP='' LOGGED=''
  while [ $# -gt 0 ]; do
    case $1 in
      --help) usage; return ;;
      --list) printf '%s\n' "${STEPS[@]}"; return ;;
      --dry-run) DRY_RUN=yes ;;
      --allow-removals) ALLOW_REMOVALS=yes ;;
      --uninstall) action=uninstall_rig ;;
      --step)
        [ $# -ge 2 ] || { printf '%s: --step requires a step ID; see --list\n' "$NAME" >&2; exit 2; }
        ONLY=$2
        if [ -z "$(title "$ONLY")" ]; then
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
  apply_platform || fail "nothing was changed"
  if [ "$DRY_RUN" = no ]; then
    take_lock
    # Older versions created it readable by all users.
    [ ! -d "$RECORDS" ] || chmod 0700 "$RECORDS"
    trap 'handle_signal SIGHUP 129' HUP
    trap 'handle_signal SIGINT 130' INT
    trap 'handle_signal SIGTERM 143' TERM
    open_log "$arguments"
  fi
  "$action"
}

{ trap - EXIT; main "$@"; }
