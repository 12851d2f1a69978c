#!/usr/bin/env bash
# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Installs the rig legacy-cpu, machine box. Written by rigspec from the lock
# 129a0ba8cb98cbf752cbb219f15b66933f690da5bf1c3c0b35c1036933465681.
#
# Run as root; run again at any time: what is done already is left alone.
#
# Left out:
# - the pin of base image debian:11: no registry answered, and the matrix has no digest of it
set -euo pipefail

# Nothing below runs before the last line: a download that is cut off does nothing, and says so.
trap 'echo install.sh": this file is not whole; fetch it again" >&2; exit 1' EXIT

readonly NAME=install.sh
readonly RIG_NAME=legacy-cpu
readonly STEPS=(platform interpreters env-tf18 settings-tf18-keras verify)
readonly LOG=/var/log/rig.log
readonly STATE=/var/lib/rig
readonly OWNED=$STATE/owned

usage() {
  cat <<USAGE
usage: $NAME [--dry-run] [--step ID] [--allow-removals | --uninstall]
       $NAME --list | --help

Installs the rig: each step is looked at, and done if it is not done already. It can be stopped or
killed at any moment and run again. At the end it holds what is installed against the lock.

  --list        name the steps
  --dry-run     say what would be done, and change nothing
  --step ID     do this step only
  --uninstall   take away what was installed, last step first, and only that: packages that were
                there before or that others need, files that were changed since, and accounts with
                their homes stay, and are named; asks nothing
  --allow-removals
                take packages of others away where those of the rig cannot stand beside them; without
                it the step stops before it changes anything, and names them
  --help        this text

log:   $LOG
state: $STATE (what is installed, and what it owns)

exit status:
  0    done; where a reboot is due it is said, and $STATE/reboot-due is there until it has happened
  1    a step failed, this is the wrong machine, or something differs from the lock
  2    it was called wrongly
  129, 130, 143   stopped by a signal
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
  found="$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"') $(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')" && \
    { test "$found" = 'debian 11' || { printf 'this rig is made for %s; this machine runs %s\n' 'debian 11' "$found" >&2; false; }; } && \
    found=$(uname -m) && \
    { test "$found" = x86_64 || { printf 'this rig is made for %s; this machine is %s\n' x86_64 "$found" >&2; false; }; }
}

apply_platform() {
  found="$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"') $(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')" && \
    { test "$found" = 'debian 11' || { printf 'this rig is made for %s; this machine runs %s\n' 'debian 11' "$found" >&2; false; }; } && \
    found=$(uname -m) && \
    { test "$found" = x86_64 || { printf 'this rig is made for %s; this machine is %s\n' x86_64 "$found" >&2; false; }; }
}

remove_platform() {
  forget_step platform
}

done_interpreters() {
  test "$(cat /var/lib/rig/interpreters 2>/dev/null)" = 20936207b7841a3910b702bef21d569758adf4f7b3f52445940aeb6ea348513c && \
    sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.interpreter.txt >/dev/null
}

apply_interpreters() {
  refresh_packages && \
    sh /opt/rig/lock/packages.sh archive /opt/rig/lock/packages.interpreter.txt >&2 && \
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
  forget_step interpreters && \
    drop_packages interpreters python2.7 virtualenv ca-certificates libexpat1 libgdbm-compat4 libgdbm6 libmpdec3 libncursesw6 libperl5.32 libpython2.7-minimal libpython2.7-stdlib libpython3-stdlib libpython3.9-minimal libpython3.9-stdlib libreadline8 libsqlite3-0 mailcap media-types mime-support openssl perl perl-base perl-modules-5.32 python-pip-whl python2.7-minimal python3 python3-appdirs python3-distlib python3-distutils python3-filelock python3-importlib-metadata python3-lib2to3 python3-minimal python3-more-itertools python3-pip python3-pkg-resources python3-setuptools python3-six python3-virtualenv python3-wheel python3-zipp python3.9 python3.9-minimal readline-common
}

done_env_tf18() {
  test -x /opt/rig/envs/tf18/bin/python && \
    test "$(cat /var/lib/rig/env-tf18 2>/dev/null)" = ea101d9e92a03804ddfa47f210e5f94400a29948aad651c7ca7dc82bc167058b
}

apply_env_tf18() {
  own_tree /opt/rig/envs/tf18 && \
    set_aside /opt/rig/envs/tf18 && \
    { { mkdir -p "$(dirname /opt/rig/envs/tf18)" && \
    virtualenv --python python2.7 /opt/rig/envs/tf18 >/dev/null && \
    /opt/rig/envs/tf18/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --upgrade --force-reinstall -r /opt/rig/lock/tf18.tools.txt && \
    /opt/rig/envs/tf18/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --no-deps -r /opt/rig/lock/tf18.requirements.txt; } || { bring_back /opt/rig/envs/tf18; false; }; } && \
    drop_aside /opt/rig/envs/tf18 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' ea101d9e92a03804ddfa47f210e5f94400a29948aad651c7ca7dc82bc167058b > /var/lib/rig/.env-tf18.new && \
    mv -fT /var/lib/rig/.env-tf18.new /var/lib/rig/env-tf18
}

remove_env_tf18() {
  forget_step env-tf18 && \
    clear_tree /opt/rig/envs/tf18
}

done_settings_tf18_keras() {
  test "$(stat -c '%a %U:%G' /etc/skel/.keras/keras.json 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' 94e3cc3e03e11a2440b72bcbf134f8ab01c5b3aba45787b56b24bee2745eeea2 /etc/skel/.keras/keras.json | sha256sum --check --status
}

apply_settings_tf18_keras() {
  own_folder "$(dirname /etc/skel/.keras/keras.json)" && \
    mkdir -p "$(dirname /etc/skel/.keras/keras.json)" && \
    install -m 0644 -o root -g root /opt/rig/lock/settings-tf18-keras /etc/skel/.keras/keras.json.rig-new && \
    own_file /etc/skel/.keras/keras.json && \
    mv -fT /etc/skel/.keras/keras.json.rig-new /etc/skel/.keras/keras.json
}

remove_settings_tf18_keras() {
  forget_step settings-tf18-keras && \
    return_file /etc/skel/.keras/keras.json
}

done_verify() {
  false
}

apply_verify() {
  differences=0 && \
    { { { found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.interpreter.txt) || found=${found:-its check has failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-its check says nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (interpreter)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(/opt/rig/envs/tf18/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])') || true; } && \
    { test "$found" = 2.7 || { printf '%s: locked %s, found %s\n' 'Python of tf18' 2.7 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    { { { found=$(/opt/rig/envs/tf18/bin/python /opt/rig/lock/installed.py /opt/rig/lock/tf18.tools.txt /opt/rig/lock/tf18.requirements.txt) || found=${found:-its check has failed}; } && \
    { test "$found" = '' || { printf '%s\n' "${found:-its check says nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages of tf18' "$line"; done >&2; false; }; }; } || differences=1; } && \
    test "$differences" = 0
}

remove_verify() {
  forget_step verify
}

# --- what the installer owns: written down before it is added

# set_list LIST COMMAND…: what the command says is the list from now on. If that fails, or there is
# no room for it, the list stays what it was, and whoever called goes no further.
set_list() {
  local list=$1
  shift
  mkdir -p "$STATE" && install -d -m 0700 "$OWNED" || return
  if "$@" | cat >"$OWNED/.new" && sync "$OWNED/.new" && mv -fT "$OWNED/.new" "$OWNED/$list"; then
    # Not every file system lets a folder be waited for.
    sync "$OWNED" 2>/dev/null || true
  else
    rm -f "$OWNED/.new"
    return 1
  fi
}

own() {  # LIST LINE…: each line once
  [ $# -gt 2 ] || ! owns "$1" "$2" || return 0
  set_list "$1" with_lines "$@"
}

disown_line() {  # LIST LINE
  [ "$DRY_RUN" = no ] && [ -e "$OWNED/$1" ] || return 0
  set_list "$1" without_line "$@"
}

with_lines() {  # LIST LINE…
  local list=$1
  shift
  { owned "$list" && printf '%s\n' "$@"; } | awk 'NF && !seen[$0]++'
}

without_line() {  # LIST LINE
  owned "$1" | OTHER=$2 awk '$0 != ENVIRON["OTHER"]'
}

owns() {  # LIST LINE
  [ -e "$OWNED/$1" ] && LINE=$2 awk '$0 == ENVIRON["LINE"] { found = 1 } END { exit !found }' "$OWNED/$1"
}

owned() {  # LIST
  [ ! -e "$OWNED/$1" ] || cat "$OWNED/$1"
}

# beyond FILE [FIELD]: the lines on stdin that, from that field on, are no line of the file.
beyond() {
  LISTED=$1 FIELD=${2:-1} awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    { part = $0; for (i = 1; i < ENVIRON["FIELD"]; i++) sub(/^[^\t]*\t/, "", part) }
    !(part in listed)'
}

among() {  # FILE: the lines on stdin that are lines of the file
  LISTED=$1 awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    $0 in listed'
}

act() {  # WHAT COMMAND…: in a dry run it is only said, and once
  if [ "$DRY_RUN" = yes ]; then
    say_once "         would $1"
  else
    say "         $1"
    shift
    "$@"
  fi
}

kept() {
  say_once "         kept $*"
}

say_once() {
  case $SAID in
    *"|$1|"*) ;;
    *)
      SAID+="|$1|"
      say "$1"
      ;;
  esac
}

other_rigs() {  # those on this machine beside this one, whose lists are the same
  owned rigs | OTHER=$RIG_NAME awk '$0 != ENVIRON["OTHER"]' | paste -s -d ' '
}

# --- files and folders

own_folder() {
  local path=$1
  while [ ! -e "$path" ]; do
    own folders "$path" || return
    path=$(dirname "$path")
  done
}

sum_of() {
  local sum
  sum=$(sha256sum <"$1") && printf '%s' "${sum%% *}"
}

present() {
  [ -e "$1" ] || [ -L "$1" ]
}

alike() {
  if [ -L "$1" ] || [ -L "$2" ]; then
    [ -L "$1" ] && [ -L "$2" ] && [ "$(readlink "$1")" = "$(readlink "$2")" ]
  else
    cmp -s "$1" "$2"
  fi
}

# A secret's file is known by its size and time: against a digest, passwords could be tried.
mark_of() {
  local mark
  mark=$(stat -c '%s bytes, changed %.9Y' "$1") && printf '%-64s' "$mark"
}

is_ours() {  # PATH: as it is there now
  local sum
  [ -f "$1" ] && [ ! -L "$1" ] && sum=$(sum_of "$1") && { owns files "$sum  $1" || owns files "$(mark_of "$1")  $1"; }
}

# own_file PATH [secret]: what PATH.rig-new holds is about to be PATH. What somebody else put there
# is kept beside it; what is there already to the letter is not ours.
own_file() {
  local ours
  if present "$1" && ! is_ours "$1"; then
    [ -L "$1" ] || ! cmp -s "$1" "$1.rig-new" || return 0
    keep_foreign "$1" || return
  fi
  if [ $# -gt 1 ]; then
    set_list files with_marks "$1"
  else
    ours=$(sum_of "$1.rig-new") && own files "$ours  $1"
  fi
}

with_marks() {  # PATH: without the digests that older versions kept of it
  {
    owned files | OTHER=$1 awk 'substr($0, 67) != ENVIRON["OTHER"] || index($0, " ") < 65' &&
      { ! is_ours "$1" || { mark_of "$1" && printf '  %s\n' "$1"; }; } &&
      mark_of "$1.rig-new" && printf '  %s\n' "$1"
  } | awk '!seen[$0]++'
}

owned_paths() {  # those of files
  owned files | cut -c 67-
}

was_ours() {  # PATH
  [ -e "$OWNED/files" ] && LINE=$1 awk 'substr($0, 67) == ENVIRON["LINE"] { found = 1 } END { exit !found }' "$OWNED/files"
}

without_path() {
  owned files | OTHER=$1 awk 'substr($0, 67) != ENVIRON["OTHER"]'
}

# keep_foreign PATH: a copy is on the disk and written down before anything takes its place. KEPT_AS
# is its name.
keep_foreign() {
  local count=0
  KEPT_AS=$1.before-rig
  while present "$KEPT_AS" && ! alike "$1" "$KEPT_AS"; do
    count=$((count + 1))
    KEPT_AS=$1.before-rig.$count
  done
  rm -f "$1.rig-kept" || return
  if ! present "$KEPT_AS"; then
    cp -a "$1" "$1.rig-kept" || { rm -f "$1.rig-kept"; return 1; }
    [ -L "$1" ] || sync "$1.rig-kept" || return
    mv -T "$1.rig-kept" "$KEPT_AS" || return
  fi
  [ -n "$(copy_of "$1")" ] || own before "	$1	$KEPT_AS" || return
  say "         $1 was another file: kept as $KEPT_AS"
}

copy_of() {  # PATH
  owned before | OF=$1 awk -F '\t' '$2 == ENVIRON["OF"] { print $3 }'
}

put_back() {  # PATH
  local back
  back=$(copy_of "$1") || return
  [ -n "$back" ] || return 0
  ! present "$back" || act "put $back back" mv -fT "$back" "$1" || return
  disown_line before "	$1	$back"
}

return_file() {
  [ "$DRY_RUN" = yes ] || rm -f "$1.rig-new" "$1.rig-kept" || return
  if present "$1"; then
    was_ours "$1" || return 0
    if ! is_ours "$1"; then
      kept "$1: it was changed since"
      return 0
    fi
    act "remove $1" rm -f "$1" || return
  fi
  put_back "$1" || return
  [ "$DRY_RUN" = yes ] || ! was_ours "$1" || set_list files without_path "$1"
}

# --- folders that are the rig's alone

own_tree() {
  own_folder "$(dirname "$1")" && own trees "$1"
}

clear_tree() {
  if owns trees "$1"; then
    [ ! -e "$1" ] || act "remove $1" rm -rf "$1" || return
    [ "$DRY_RUN" = yes ] || rm -rf "$1.rig-old" "$1.rig-gone" || return
    disown_line trees "$1"
  fi
}

# What stands there is kept until what takes its place is whole. After a kill that is what was set
# aside before, and what stands there is half of one.
set_aside() {
  rm -rf "$1.rig-gone" || return
  if [ -e "$1.rig-old" ]; then
    rm -rf "$1"
  elif [ -e "$1" ]; then
    mv -T "$1" "$1.rig-old"
  fi
}

bring_back() {
  [ -e "$1.rig-old" ] || return 0
  rm -rf "$1" && mv -T "$1.rig-old" "$1" && say "         $1 is what it was before"
}

# Half of it is not to be brought back: it has another name before it goes.
drop_aside() {
  [ ! -e "$1.rig-old" ] || mv -T "$1.rig-old" "$1.rig-gone" || return
  rm -rf "$1.rig-gone"
}

# --- what the rig adds to folders of others

# own_contents ID FOLDER: what stands there now is not ours.
own_contents() {
  mkdir -p "$2" && retire_contents "$1" "$2" && own shared "$1 $2" || return
  # It was cut short: what was there then still is what is not ours.
  [ ! -e "$OWNED/before.$1" ] || [ -e "$OWNED/contents.$1" ] || return 0
  set_list "before.$1" foreign_contents "$1" "$2" && rm -f "$OWNED/contents.$1"
}

# The lists of another folder, as of the CUDA before this one, say nothing about this one. They are
# kept under a name of their own, and looked at by the end of an uninstall. Until the last of these
# commands nobody takes the lists for those of either folder.
retire_contents() {  # ID FOLDER
  local folder count=1
  ! owns shared "$1 $2" || return 0
  folder=$(owned shared | ID=$1 awk '$1 == ENVIRON["ID"] { print substr($0, length($1) + 2); exit }') || return
  [ -n "$folder" ] || return 0
  while owned shared | LINE="$1.$count $folder" ID=$1.$count awk '$1 == ENVIRON["ID"] && $0 != ENVIRON["LINE"] { taken = 1 } END { exit !taken }'; do
    count=$((count + 1))
  done
  own shared "$1.$count $folder" || return
  [ ! -e "$OWNED/contents.$1" ] || mv -fT "$OWNED/contents.$1" "$OWNED/contents.$1.$count" || return
  [ ! -e "$OWNED/before.$1" ] || mv -fT "$OWNED/before.$1" "$OWNED/before.$1.$count" || return
  disown_line shared "$1 $folder"
}

# Where a link leads to another folder, the contents of that one are meant.
find_below() {  # FOLDER…
  local folder
  folder=$(realpath -e "$1") || return
  shift
  find "$folder" -mindepth 1 "$@"
}

# All that is there but what came by us and was not changed since. Of the folders those of the
# first time: later ones go if nothing is left in them.
foreign_contents() {  # ID FOLDER
  local contents=$OWNED/contents.$1 before=$OWNED/before.$1
  [ -e "$contents" ] || contents=/dev/null
  find_below "$2" ! -type d -printf '%s\t%T@\t%P\n' | beyond "$contents" | cut -f 3- || return
  if [ -e "$before" ]; then
    find_below "$2" -type d -printf '%P\n' | among "$before"
  else
    find_below "$2" -type d -printf '%P\n'
  fi
}

# keep_members ID FOLDER STRIP ARCHIVE: the files of others that are about to be replaced are kept
# beside their places. From then on the copy is what is not ours.
keep_members() {
  local id=$1 folder member path
  folder=$(realpath -e "$2") || return
  set_list members tar --list --show-transformed-names --quoting-style=literal --strip-components="$3" --file "$4" || return
  while IFS= read -r member <&5; do
    path=$folder/${member%/}
    present "$path" || continue
    # A folder stays, and a link to one that is a folder in the archive.
    [ ! -d "$path" ] || { [ -L "$path" ] && [ "$member" = "${member%/}" ]; } || continue
    path=$(realpath -e "${path%/*}")/${path##*/} || return
    if [ "${path#"$folder"/}" = "$path" ]; then
      # A link leads out of the folder: what is there is in no list.
      [ -n "$(copy_of "$path")" ] || keep_foreign "$path" || return
    elif owns "before.$id" "${path#"$folder"/}"; then
      keep_foreign "$path" && set_list "before.$id" exchanged "before.$id" "${path#"$folder"/}" "${KEPT_AS#"$folder"/}" || return
    fi
  done 5<"$OWNED/members" || return
  rm -f "$OWNED/members"
}

exchanged() {  # LIST LINE LINE: the second in the place of the first
  owned "$1" | WAS=$2 IS=$3 awk '$0 == ENVIRON["WAS"] { $0 = ENVIRON["IS"] } !seen[$0]++'
}

note_contents() {  # ID FOLDER: what has come since, with size and time
  set_list "contents.$1" come_since "$1" "$2"
}

come_since() {
  find_below "$2" ! -type d -printf '%s\t%T@\t%P\n' | beyond "$OWNED/before.$1" 3
}

return_contents() {  # ID FOLDER
  local folder contents="$OWNED/contents.$1" before="$OWNED/before.$1" size time path
  owns shared "$1 $2" && [ -e "$before" ] && [ -d "$2" ] || return 0
  folder=$(realpath -e "$2") || return
  # It was killed while it was put there: all that has come since.
  [ -e "$contents" ] || [ "$DRY_RUN" = yes ] || note_contents "$1" "$folder" || return
  [ ! -e "$contents" ] || say_once "         $([ "$DRY_RUN" = no ] || echo 'would ')remove $(wc -l <"$contents") files below $folder"
  [ "$DRY_RUN" = no ] || return 0
  while IFS=$'\t' read -r size time path <&5; do
    if [ "$(find "$folder/$path" -maxdepth 0 -printf '%s\t%T@' 2>/dev/null)" = "$size	$time" ]; then
      rm -f "$folder/$path" || return
    fi
    if ! present "$folder/$path"; then
      put_back "$folder/$path" || return
    else
      kept "$folder/$path: it was changed since"
    fi
  done 5<"$contents" || return
  find_below "$folder" -depth -type d -printf '%P\n' | beyond "$before" |
    while IFS= read -r path; do rmdir "$folder/$path" 2>/dev/null || true; done || return
  rm -f "$contents" "$before" && disown_line shared "$1 $2"
}

# --- packages of the system

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@"
}

# Somebody else's apt or dpkg is waited for: the kernel knows who holds the locks.
wait_for_apt() {
  local lock waited=0
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
    while [ -e "$lock" ] && grep -q ":$(stat -c %i "$lock") " /proc/locks 2>/dev/null; do
      [ "$waited" -gt 0 ] || say "         waiting for another apt or dpkg, which holds $lock"
      [ "$waited" -lt 600 ] || { echo "$lock has been held for ten minutes" >&2; return 1; }
      waited=$((waited + 1))
      sleep 1
    done
  done
}

# A dpkg that was killed is finished first: nothing can be installed beside half a package.
mend_packages() {
  local planned
  wait_for_apt || return
  if [ -n "$(dpkg --audit)" ] || [ -n "$(find /var/lib/dpkg/updates -type f)" ]; then
    echo 'dpkg was interrupted: finishing what it began'
    DEBIAN_FRONTEND=noninteractive dpkg --configure --pending --force-confdef --force-confold || true
    if [ -n "$(dpkg --audit)" ]; then
      set -- install --fix-broken --yes --allow-downgrades --allow-change-held-packages
      # Where apt cannot say what it would do, it is not let do it.
      apt_get update && planned=$(apt-get --simulate "$@") && keep_others "$planned" && apt_get "$@"
    fi
  fi
}

refresh_packages() {
  mend_packages && apt_get update
}

# keep_others PLANNED: what apt would do takes no package away that is not the rig's own.
keep_others() {
  local theirs
  theirs=$(printf '%s\n' "$1" | removals | grep -vxF -e "$(owned packages | cut -d ' ' -f 2)" | paste -s -d ' ' -) || true
  [ -n "$theirs" ] && [ "$REMOVALS" = no ] || return 0
  printf 'apt would remove packages that are not of the rig: %s\nNothing was changed. If they may go, run %s --allow-removals; else lock versions that they can stand beside.\n' "$theirs" "$NAME" >&2
  return 1
}

removals() {
  sed -n 's/^\(Remv\|Purg\) \([^ ]*\) .*/\2/p'
}

install_packages() {  # ID OPTION… PACKAGE…
  local id=$1 planned removed marked
  shift
  planned=$(apt-get --simulate install --yes --no-install-recommends "$@") || return
  keep_others "$planned" || return
  removed=$(printf '%s\n' "$planned" | removals)
  # What nobody has seen is not removed: somebody may install something meanwhile.
  [ -n "$removed" ] || set -- --no-remove "$@"
  own packages "$(printf '%s\n' "$planned" | sed -n "s/^Inst \([^ ]*\) (.*/$id \1/p")" &&
    own upgraded "$(printf '%s\n' "$planned" | sed -n 's/^Inst \([^ ]*\) \[\([^]]*\)\].*/\1 \2/p')" &&
    own removed "$removed" &&
    marked=$(apt-mark showauto | asked_for "$@") && own marked "$marked" &&
    apt_get install --yes --no-install-recommends "$@"
}

asked_for() {  # OPTION… PACKAGE…: the names on stdin that are among them
  ASKED=$* awk '
    BEGIN { count = split(ENVIRON["ASKED"], all, " "); for (i = 1; i <= count; i++) { sub(/=.*/, "", all[i]); asked[all[i]] } }
    $0 in asked'
}

own_holds() {
  local name held
  held=$(apt-mark showhold)
  for name; do
    printf '%s\n' "$held" | grep -qxF -e "$name" || own holds "$name" || return
  done
}

release_holds() {
  local name
  for name; do
    if owns holds "$name"; then
      ! apt-mark showhold | grep -qxF -e "$name" || act "release $name" apt-mark unhold "$name"
      disown_line holds "$name"
    fi
  done
}

installed_of() {  # the names on stdin that are installed
  local name
  while IFS= read -r name; do
    # shellcheck disable=SC2016 # dpkg-query fills this in
    dpkg-query -W -f='${db:Status-Abbrev}\n' "$name" 2>/dev/null | grep -q '^.[^nc]' && printf '%s\n' "$name"
  done
  true
}

# Of the packages on stdin those that nothing else depends on: apt is told, for this question, that
# these alone came by themselves.
unneeded() {
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

drop_packages() {  # ID NAME…: those of the step; the names are all it asked for
  local id=$1 name mine gone also others
  shift
  others=$(other_rigs) || return
  if [ -n "$others" ]; then
    kept "the packages of $id: $others is installed here, too"
    return 0
  fi
  [ "$DRY_RUN" = yes ] || mend_packages || return
  mine=$(owned packages | sed -n "s/^$id //p" | installed_of)
  gone=''
  [ -z "$mine" ] || gone=$(printf '%s\n' "$mine" | unneeded | { grep -xF -e "$mine" || true; })
  for name in $mine; do
    printf '%s\n' "$gone" | grep -qxF -e "$name" || kept "package $name: another package needs it"
  done
  for name; do
    owned packages | OTHER=$name awk '$2 == ENVIRON["OTHER"] { found = 1 } END { exit !found }' || [ -z "$(printf '%s\n' "$name" | installed_of)" ] ||
      kept "package $name: it was there before$(owned upgraded | sed -n "s/^$(printf '%s' "$name" | sed 's/[.+]/\\&/g') /, as version /p" | head -n 1)"
  done
  [ -n "$gone" ] || return 0
  # shellcheck disable=SC2086 # names of packages have no spaces
  also=$(apt-get --simulate --yes --allow-change-held-packages purge $gone | sed -n 's/^Purg \([^ ]*\) .*/\1/p' | { grep -vxF -e "$gone" || true; })
  if [ -n "$also" ]; then
    kept "packages $gone: removing them would remove $also"
    return 0
  fi
  # shellcheck disable=SC2086
  act "remove the packages $(printf '%s' "$gone" | tr '\n' ' ')" apt_get purge --yes $gone
}

# Installing a package by its name marks it as wanted; these were not.
return_marks() {
  local names
  names=$(owned marked | installed_of)
  # shellcheck disable=SC2086
  [ -z "$names" ] || apt-mark auto $names >/dev/null
}

# --- accounts, units, the kernel's command line

# What a killed useradd has left: locks, with the number of a holder that is gone or another program.
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

keep_account() {
  if id -u "$1" >/dev/null 2>&1; then
    kept "account $1 and its home: deluser --remove-home $1 takes both away"
  fi
}

# A group that was there before is not ours to take away.
make_group() {
  clear_account_locks
  getent group "$1" >/dev/null || { own groups "$1" && groupadd --system "$1"; }
}

drop_group() {
  owns groups "$1" || return 0
  ! getent group "$1" >/dev/null || act "remove the group $1" groupdel "$1"
  disown_line groups "$1"
}

drop_quota() {
  owns quotas "$1" || return 0
  if id -u "$1" >/dev/null 2>&1 && command -v setquota >/dev/null; then
    act "lift the quota of $1" setquota -u "$1" 0 0 0 0 "$(df --output=target "$(getent passwd "$1" | cut -d : -f 6)" | tail -n 1)" 2>/dev/null || true
  fi
  disown_line quotas "$1"
}

# A unit that was enabled before is not ours to stop.
own_unit() {
  ! command -v systemctl >/dev/null || systemctl is-enabled --quiet "$1" 2>/dev/null || own units "$1"
}

drop_unit() {
  if owns units "$1" && command -v systemctl >/dev/null; then
    [ ! -d /run/systemd/system ] || act "stop $1" systemctl stop "$1"
    act "disable $1" systemctl disable --quiet "$1"
    disown_line units "$1"
  fi
  return_file "/etc/systemd/system/$1"
  [ "$DRY_RUN" = yes ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# One that was there before runs on, without the settings of the rig.
restart_unit() {
  ! owns units "$1" || return 0
  [ -d /run/systemd/system ] && systemctl is-active --quiet "$1" || return 0
  act "start $1 anew" systemctl try-restart "$1"
}

drop_kernel_arguments() {
  local file=/etc/default/grub.d/rig.cfg
  if was_ours "$file"; then
    [ "$DRY_RUN" = yes ] || own unfinished update-grub || return
    return_file "$file" || return
  fi
  if [ "$DRY_RUN" = yes ] || owns unfinished update-grub; then
    ! command -v update-grub >/dev/null || act "write the menu of GRUB anew" update-grub || return
    disown_line unfinished update-grub
  fi
}

# --- the end of an uninstall

forget_step() {
  [ "$DRY_RUN" = yes ] || rm -f "$STATE/$1" "$STATE/$1.keys" "$STATE/$1.groups"
}

# What older versions of the rig have left, and then the state itself.
drop_rest() {
  local id folder path name others
  others=$(other_rigs)
  if [ -n "$others" ]; then
    kept "$STATE and what older versions have left: $others is installed here, too"
    disown_line rigs "$RIG_NAME"
    return
  fi
  owned_paths | sort -u | while IFS= read -r path; do return_file "$path"; done
  owned shared | while read -r id folder; do return_contents "$id" "$folder"; done
  owned trees | while IFS= read -r path; do clear_tree "$path"; done
  owned packages | cut -d ' ' -f 1 | sort -u | while read -r id; do drop_packages "$id"; done
  owned removed | while read -r name; do
    [ -n "$(printf '%s\n' "$name" | installed_of)" ] || kept "nothing of package $name: its place was needed; install it again"
  done
  if [ "$DRY_RUN" = no ]; then
    return_marks
    rm -rf /opt/rig/lock /var/cache/rig
    owned folders | sort -r | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || true; done
    rmdir /opt/rig/envs /opt/rig 2>/dev/null || true
    rm -rf "$STATE"
  fi
  [ ! -d /opt/rig ] || [ "$DRY_RUN" = yes ] || kept "/opt/rig: it holds $(find /opt/rig -mindepth 1 -maxdepth 1 -printf '%f ')"
  say "the log $LOG stays; what a driver or an argument of the kernel was is gone at the next boot"
}

# --- the lock's own files, where every step finds them

place_lock() {
  local here file
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  mkdir -p /opt/rig/lock
  for file in packages.interpreter.txt packages.sh installed.py tf18.requirements.txt tf18.tools.txt settings-tf18-keras; do
    [ -f "$here/files/$file" ] || fail "$here/files/$file is missing: $NAME needs the folder it was written with"
    if ! cmp -s "$here/files/$file" "/opt/rig/lock/$file"; then
      install -m 0644 "$here/files/$file" "/opt/rig/lock/$file.rig-new"
      mv -fT "/opt/rig/lock/$file.rig-new" "/opt/rig/lock/$file"
    fi
  done
}

# --- what is said, and where

# A log that has no room stops nothing: what must be known later stands elsewhere.
log() {
  [ "$DRY_RUN" = yes ] || printf '%(%F %T)T %s\n' -1 "$*" 2>/dev/null >&8 || true
}

# To the terminal and to the log.
say() {
  [ ! -t 7 ] || printf '\r\033[K' >&7
  printf '%s\n' "$*" >&7
  log "$*"
}

fail() {
  printf '%s: %s\n' "$NAME" "$*" >&2
  exit 1
}

open_log() {
  [ ! -L "$LOG" ] || fail "$LOG is a link: move it away"
  (umask 027 && : >>"$LOG")
  chmod 0640 "$LOG"
  exec 8>>"$LOG"
  printf '%(%F %T)T --- %s\n' -1 "$NAME $*" 2>/dev/null >&8 ||
    printf '%s: %s cannot be written to: what the steps say is lost\n' "$NAME" "$LOG" >&2
}

# What a step says goes into the log, a line with its time; a terminal shows that time passes.
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

# run FUNCTION LINE: in a process group of its own, so that a signal reaches all of it. LINE is what
# a terminal shows meanwhile.
run() {
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
  if "done_$name" 2>/dev/null; then
    say "$count ok       $(title "$id")"
  elif [ "$DRY_RUN" = yes ]; then
    say "$count would do $(title "$id")"
  else
    say "$count doing    $(title "$id")"
    from=$(stat -c %s "$LOG")
    if ! run "apply_$name" "$count doing    $(title "$id")"; then
      tail -c "+$((from + 1))" "$LOG" | sed 's/^[-0-9]* [:0-9]* //' | tail -n 40 >&2
      log "step $id failed"
      fail "step $id failed: $(title "$id"); $LOG has the rest. It can be run again."
    fi
    say "$count done     $(title "$id") ($SECONDS s)"
  fi
}

undo_step() {
  local count=$1 id=$2 name=${2//[^a-z0-9]/_}
  say "$count $([ "$DRY_RUN" = yes ] && echo 'would undo' || echo undoing) $(title "$id")"
  if [ "$DRY_RUN" = yes ]; then
    "remove_$name"
  elif ! run "remove_$name" "$count undoing"; then
    tail -n 20 "$LOG" >&2
    fail "step $id could not be undone: $(title "$id"); $LOG has the rest. It can be run again."
  fi
}

# chosen DONE_WITH: each step with its count, or the one that was asked for.
chosen() {
  local index id
  for index in "${!STEPS[@]}"; do
    id=${STEPS[$index]}
    if [ -z "$ONLY" ] || [ "$id" = "$ONLY" ]; then
      printf '[%d/%d] %s\n' "$((index + 1))" 5 "$id"
    fi
  done
}

# --- the whole

stopped() {
  trap '' HUP INT TERM
  if [ -n "$STEP" ]; then
    kill -TERM -- "-$STEP" 2>/dev/null || true
    wait "$STEP" || true
  fi
  say "stopped by $1: run $NAME again, and it goes on where it was"
  trap - EXIT
  exit "$2"
}

# A reboot that was asked for in another boot has happened.
look_at_reboot() {
  if [ -e "$STATE/reboot-due" ] && [ "$(cat "$STATE/reboot-due")" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then
    rm -f "$STATE/reboot-due"
    say "the reboot that was due has happened"
  fi
}

install_rig() {
  local count id
  if [ "$DRY_RUN" = no ]; then
    own rigs "$RIG_NAME" || fail "what it owns cannot be written down in $STATE; nothing was changed"
    place_lock
    look_at_reboot
  fi
  while read -r count id <&6; do
    run_step "$count" "$id"
  done 6< <(chosen)
  if [ -e "$STATE/reboot-due" ]; then
    say "reboot this machine: $(title reboot). Run $NAME once more after it, to see that all is as locked."
  fi
}

uninstall_rig() {
  local count id
  while read -r count id <&6; do
    undo_step "$count" "$id"
  done 6< <(chosen | tac)
  [ -n "$ONLY" ] || drop_rest
}

# Only root opens it: a lock that any user could hold would stop every installation.
take_lock() {
  mkdir -p "$STATE"
  (umask 077 && : >>"$STATE/lock")
  exec 9<"$STATE/lock"
  # An uninstall takes the file away with all else: then it is no lock any more.
  if ! flock --nonblock 9 || ! [ "$STATE/lock" -ef /dev/fd/9 ]; then
    fail "another installation is running; nothing was changed"
  fi
}

main() {
  local action=install_rig said="$*"
  DRY_RUN=no REMOVALS=no ONLY='' STEP='' SAID=''
  while [ $# -gt 0 ]; do
    case $1 in
      --help) usage; return ;;
      --list) printf '%s\n' "${STEPS[@]}"; return ;;
      --dry-run) DRY_RUN=yes ;;
      --allow-removals) REMOVALS=yes ;;
      --uninstall) action=uninstall_rig ;;
      --step)
        [ $# -ge 2 ] || { printf '%s: --step wants the id of a step; --list names them\n' "$NAME" >&2; exit 2; }
        ONLY=$2
        if [ -z "$(title "$ONLY")" ]; then
          printf '%s: there is no step "%s"; --list names them\n' "$NAME" "$ONLY" >&2
          exit 2
        fi
        shift
        ;;
      *) printf '%s: what is "%s"?\n' "$NAME" "$1" >&2; usage >&2; exit 2 ;;
    esac
    shift
  done
  umask 022
  export LC_ALL=C.UTF-8
  exec 7>&1
  [ "$(id -u)" -eq 0 ] || fail "only root can do this; run it with sudo"
  apply_platform || fail "nothing was changed"
  if [ "$DRY_RUN" = no ]; then
    take_lock
    # Older versions let everybody read it.
    [ ! -d "$OWNED" ] || chmod 0700 "$OWNED"
    trap 'stopped SIGHUP 129' HUP
    trap 'stopped SIGINT 130' INT
    trap 'stopped SIGTERM 143' TERM
    open_log "$said"
  fi
  "$action"
}

{ trap - EXIT; main "$@"; }
