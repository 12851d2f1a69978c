# --- uninstall

uninstall_rig() {
  local count id
  while read -r count id <&6; do uninstall_step "$count" "$id"; done 6< <(list_selected_steps | tac)
  [ -n "$ONLY" ] || remove_remaining
}

uninstall_step() {  # COUNT ID
  if is_dry_run; then
    log_info "$1 would undo ${TITLES[$2]}"
    remove_step "$2"
  else
    log_info "$1 undoing ${TITLES[$2]}"
    if ! run_in_group "$1 undoing" remove_step "$2"; then
      tail -n 20 "$LOG" >&2
      fail "could not undo step $2: ${TITLES[$2]}; see $LOG, then run $NAME again"
    fi
  fi
}

# Some kinds of steps leave nothing that could be removed.
remove_step() {  # ID
  local kind=${PLAN[${OFFSETS[$1]} + 2]//-/_}
  is_dry_run || rm -f "$STATE/$1" "$STATE/$1.keys" "$STATE/$1.groups" || return
  ! declare -F "${kind}_remove" >/dev/null || run_on_step "$1" remove
}

# Remove what older versions of the rig have left behind, then the state.
remove_remaining() {
  local id path name others
  others=$(list_other_rigs)
  if [ -n "$others" ]; then
    report_kept "$STATE and files of older versions: still needed by $others"
    unrecord rigs "$RIG_NAME"
    return
  fi
  read_list files | cut -c 67- | sort -u | while IFS= read -r path; do restore_file "$path"; done
  read_list shared | while read -r id path; do restore_contents "$id" "$path"; done
  read_list trees | while IFS= read -r path; do remove_tree "$path"; done
  read_list packages | cut -d ' ' -f 1 | sort -u | while read -r id; do purge_packages "$id"; done
  read_list removed | while read -r name; do
    is_installed "$name" ||
      log_info_once "         package $name was removed by the installation and is not restored; install it again if you need it"
  done
  if ! is_dry_run; then
    # apt marks a package that is installed by name as manual.
    read_list marked | filter_installed | xargs -r apt-mark auto >/dev/null
    rm -rf /opt/rig/lock "$CACHE"
    read_list folders | sort -r | while IFS= read -r path; do rmdir "$path" 2>/dev/null || true; done
    rmdir /opt/rig/envs /opt/rig 2>/dev/null || true
    rm -rf "$STATE"
    [ ! -d /opt/rig ] || report_kept "/opt/rig: it still contains $(find /opt/rig -mindepth 1 -maxdepth 1 -printf '%f ')"
  fi
  log_info "the log $LOG was kept; driver and kernel arguments remain active until the next boot"
}
