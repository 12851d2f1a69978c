# --- the plan

declare -a IDS=() PLAN=()
declare -A TITLES=() OFFSETS=() LENGTHS=()

step() {  # ID TITLE KIND [KEY=VALUE...] [-- WORD...]: one step of the plan
  IDS+=("$1")
  TITLES[$1]=$2
  OFFSETS[$1]=${#PLAN[@]}
  LENGTHS[$1]=$#
  PLAN+=("$@")
}

run_on_step() {  # ID FUNCTION
  call_step "$2" "${PLAN[@]:${OFFSETS[$1]}:${LENGTHS[$1]}}"
}

list_selected_steps() {  # with their numbers
  local index id
  for index in "${!IDS[@]}"; do
    id=${IDS[$index]}
    [ -n "$ONLY" ] && [ "$id" != "$ONLY" ] || printf '[%d/%d] %s\n' "$((index + 1))" "${#IDS[@]}" "$id"
  done
}

# --- output and log

readonly LOG=/var/log/rig.log

# A full disk must not stop the installation: everything needed later is recorded elsewhere.
log() {  # TEXT
  is_dry_run || printf '%(%F %T)T %s\n' -1 "$*" 2>/dev/null >&8 || true
}

log_info() {  # TEXT: print it to the terminal, and log it
  clear_line
  printf '%s\n' "$*" >&7
  log "$*"
}

clear_line() {
  [ ! -t 7 ] || printf '\r\033[K' >&7
}

fail() {  # TEXT
  echo "$NAME: $*" >&2
  exit 1
}

open_log() {  # ARGUMENTS
  [ ! -L "$LOG" ] || fail "$LOG is a symbolic link; remove it"
  (umask 027 && : >>"$LOG")
  chmod 0640 "$LOG"
  exec 8>>"$LOG"
  printf '%(%F %T)T --- %s\n' -1 "$NAME $*" 2>/dev/null >&8 ||
    echo "$NAME: cannot write to $LOG: the output of the steps is lost" >&2
}

# Log the output of a step, with a timestamp per line; a terminal shows the elapsed time.
log_output() {  # LINE
  local line part='' status
  while status=0; IFS= read -r -t 1 line || status=$?; part+=$line; [ "$status" -eq 0 ] || [ "$status" -gt 128 ]; do
    [ "$status" -gt 0 ] || { log "    $part"; part=''; }
    [ ! -t 7 ] || printf '\r%s (%d s)' "$1" "$SECONDS" >&7
  done
  [ -z "$part" ] || log "    $part"
}

# --- installation

# The command has its own process group, so that a signal reaches all of it. A terminal shows the line.
run_in_group() {  # LINE COMMAND...
  local status=0
  SECONDS=0
  set -m
  { "${@:2}" </dev/null 2>&1 | log_output "$1"; } &
  STEP=$!
  set +m
  wait "$STEP" || status=$?
  STEP=''
  clear_line
  return "$status"
}

handle_signal() {  # NAME STATUS
  trap '' HUP INT TERM
  if [ -n "$STEP" ]; then
    kill -TERM -- "-$STEP" 2>/dev/null || true
    wait "$STEP" || true
  fi
  log_info "stopped by $1: run $NAME again to resume"
  exit "$2"
}

install_rig() {
  local count id
  is_dry_run || clear_reboot_due
  while read -r count id <&6; do install_step "$count" "$id"; done 6< <(list_selected_steps)
  [ ! -e "$STATE/reboot-due" ] ||
    log_info "reboot this machine: ${TITLES[reboot]-}. Then run $NAME again to verify the installation."
}

install_step() {  # COUNT ID
  local count=$1 id=$2 title=${TITLES[$2]} from
  if run_on_step "$id" is_done 2>/dev/null; then
    log_info "$count ok       $title"
  elif is_dry_run; then
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

# The reboot has happened if the boot ID differs from the recorded one.
clear_reboot_due() {
  local due=$STATE/reboot-due
  if [ -e "$due" ] && [ "$(cat "$due")" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then
    rm -f "$due"
    log_info "the required reboot has happened"
  fi
}

# Only root can open the lock file: otherwise any user could block every installation.
take_lock() {
  mkdir -p "$STATE"
  (umask 077 && : >>"$STATE/lock")
  exec 9<"$STATE/lock"
  # A lock on a file that an uninstall deleted has no effect.
  flock --nonblock 9 && [ "$STATE/lock" -ef /dev/fd/9 ] || fail "another installation is running; nothing was changed"
}
