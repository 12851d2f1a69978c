# path; mode and owner, if not 0644 and root:root; requires_ssh_key: `yes` to require an account that can log in; dependents: services
# that read the file. The content is in the lock's file with the ID of the step.
file_is_done() {
  is_installed_file "$LOCK/${arg[id]}" "${arg[path]}" "${arg[mode]-0644}" "${arg[owner]-root:root}"
}

file_apply() {
  [ -z "${arg[requires_ssh_key]-}" ] || require_ssh_key || return
  # shellcheck disable=SC2086 # IDs of steps have no spaces
  invalidate_steps ${arg[dependents]-} &&
    install_file "$LOCK/${arg[id]}" "${arg[path]}" "${arg[mode]-0644}" "${arg[owner]-root:root}"
}

# At least one account other than root needs an SSH key. The file is read as its owner, because sshd
# ignores keys that the user cannot read.
require_ssh_key() {
  [ "${RIG_SHUT_OUT:-}" != yes ] && ! has_ssh_key || return 0
  printf '%s ' 'no user could log in over SSH: sshd would accept keys only, root login would be disabled, and no other' \
    'account has a key. Set ssh_keys for a user in the spec, or add a key to ~/.ssh/authorized_keys of an account; to' \
    'continue without a key, set RIG_SHUT_OUT=yes (Ansible: -e rig_shut_out=yes)' >&2
  echo >&2
  return 1
}

has_ssh_key() {
  local name home
  while IFS=$'\t' read -r name home <&4; do
    ! runuser -u "$name" -- grep -qs '^[[:space:]]*[^#[:space:]]' "$home/.ssh/authorized_keys" </dev/null || return 0
  done 4< <(getent passwd | awk -F : '$3 != 0 && $7 !~ /\/(nologin|false|sync)$/ { print $1 "\t" $6 }')
  return 1
}
