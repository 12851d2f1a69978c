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
