# path; mode and owner, if not 0644 and root:root; requires_ssh_key: `yes` to require an account that can log in;
# dependents: services that read the file.
file_is_done() {
  is_installed_file "${arg[path]}" "${arg[mode]-}" "${arg[owner]-}"
}

file_apply() {
  [ -z "${arg[requires_ssh_key]-}" ] || require_ssh_key || return
  invalidate_dependents && install_file "${arg[path]}" "${arg[mode]-}" "${arg[owner]-}"
}

require_ssh_key() {
  [ "${RIG_SHUT_OUT:-}" = yes ] || has_ssh_key ||
    step_error 'no user could log in over SSH: sshd would accept keys only, root login would be disabled, and no other' \
      'account has a key. Set ssh_keys for a user in the spec, or add a key to ~/.ssh/authorized_keys of an account; to' \
      'continue without a key, set RIG_SHUT_OUT=yes (Ansible: -e rig_shut_out=yes)'
}

# Of an account other than root. The file is read as its owner, because sshd ignores keys that the user
# cannot read.
has_ssh_key() {
  local name home
  while IFS=$'\t' read -r name home <&4; do
    ! runuser -u "$name" -- grep -qs '^[[:space:]]*[^#[:space:]]' "$home/.ssh/authorized_keys" </dev/null || return 0
  done 4< <(getent passwd | awk -F : '$3 != 0 && $7 !~ /\/(nologin|false|sync)$/ { print $1 "\t" $6 }')
  return 1
}
