# --- locks of apt

# Wait for other apt and dpkg processes; /proc/locks lists the locks they hold.
wait_for_apt() {
  local lock waited=0
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
    while [ -e "$lock" ] && grep -q ":$(stat -c %i "$lock") " /proc/locks 2>/dev/null; do
      [ "$waited" -gt 0 ] || log_info "         waiting for another apt or dpkg process to release $lock"
      [ "$waited" -lt 600 ] || step_error "timed out after 10 minutes waiting for $lock" || return
      waited=$((waited + 1))
      sleep 1
    done
  done
}
