# --- the command line

usage() {
  cat <<USAGE
usage: $NAME [--dry-run] [--step ID] [--allow-removals | --uninstall]
       $NAME --list | --help

Installs the rig, and verifies the result against the lock. Safe to interrupt and run again: completed steps
are skipped.

  --list            list the steps
  --dry-run         print what would be done without changing anything
  --step ID         run only this step
  --uninstall       remove what was installed, without a prompt. Keeps and lists: packages that were already
                    installed or that others need, modified files, accounts and home directories
  --allow-removals  allow apt to remove conflicting packages that do not belong to the rig
  --help            print this help

log: $LOG, state and records: $STATE

exit status: 0 success; if a reboot is required, $STATE/reboot-due exists until then
             1 a step failed, this is the wrong machine, or something differs from the lock
             2 usage error; 129, 130, 143 stopped by a signal
USAGE
}

usage_error() {  # TEXT
  echo "$NAME: $*" >&2
  exit 2
}

main() {  # ARGUMENT...
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
        [ $# -ge 2 ] || usage_error '--step requires a step ID; see --list'
        ONLY=$2
        [ -n "$ONLY" ] && [ -n "${TITLES[$ONLY]-}" ] || usage_error "no step \"$ONLY\"; see --list"
        shift
        ;;
      *) usage_error "unknown option: $1"$'\n'"$(usage)" ;;
    esac
    shift
  done
  umask 022
  export LC_ALL=C.UTF-8
  exec 7>&1
  [ "$(id -u)" -eq 0 ] || fail "must be run as root; use sudo"
  run_on_step platform is_done || fail "nothing was changed"
  if ! is_dry_run; then
    take_lock
    # Older versions let all users read it.
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
