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
