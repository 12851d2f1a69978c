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
