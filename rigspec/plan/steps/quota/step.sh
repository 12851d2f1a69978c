# user, kib (blocks of 1024 bytes), limit (as in the spec)
quota_is_done() {
  has_stamp
}

# If the file system has no quotas, report it every time and continue.
quota_apply() {
  local mount
  record quotas "${arg[user]}" && mount=$(df --output=target "$(print_home "${arg[user]}")" | tail -n 1) || return
  if command -v setquota >/dev/null && setquota -u "${arg[user]}" 0 "${arg[kib]}" 0 0 "$mount" 2>/dev/null; then
    write_stamp
  else
    log_info "the quota of ${arg[user]} (${arg[limit]}) is not enforced: user quotas are not enabled on $mount, or setquota is not installed"
  fi
}

quota_digest() {
  printf '%s' "${arg[kib]}"
}
