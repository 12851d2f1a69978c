quota_remove() {
  local user=${arg[user]}
  is_recorded quotas "$user" || return 0
  if id -u "$user" >/dev/null 2>&1 && command -v setquota >/dev/null; then
    run_or_print "remove the quota of $user" \
      setquota -u "$user" 0 0 0 0 "$(df --output=target "$(print_home "$user")" | tail -n 1)" 2>/dev/null || true
  fi
  unrecord quotas "$user"
}
