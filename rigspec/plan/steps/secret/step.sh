# name: of the secret; path, owner; template: `yes` if the lock has the text of the file, with
# placeholders; account: `yes` if the secret has the form account:password; dependents: services that read
# the file.
secret_is_done() {
  local secret
  [ -s "${arg[path]}" ] && [ "$(stat -c '%a %U' "${arg[path]}" 2>/dev/null)" = "400 ${arg[owner]}" ] || return
  [ -z "${arg[template]-}" ] || has_stamp "${arg[id]}" "$(print_digest "$LOCK/${arg[id]}")" || return
  # The secret may have been changed since.
  secret=$(print_secret)
  [ -z "$secret" ] || print_secret_file | cmp -s - "${arg[path]}"
}

# If the secret is missing, the installation continues and the verification reports it.
secret_apply() {
  local secret path=${arg[path]}
  ensure_parent_dir "$path" || return
  secret=$(print_secret)
  if [ -z "$secret" ]; then
    log_info "the secret ${arg[name]} is missing: set it in the environment or in /etc/rig/secrets/${arg[name]} and run this again"
    return
  fi
  if [ -n "${arg[account]-}" ] && [ "$secret" = "${secret%%:*}" ]; then
    printf 'the secret %s must have the form account:password\n' "${arg[name]}" >&2
    return 1
  fi
  (umask 077 && rm -f "$path.rig-new" && print_secret_file >"$path.rig-new" && chmod 0400 "$path.rig-new" && chown "${arg[owner]}" "$path.rig-new") || return
  # shellcheck disable=SC2086 # IDs of steps have no spaces
  invalidate_steps ${arg[dependents]-} && commit_file "$path" secret || return
  [ -z "${arg[template]-}" ] || write_stamp "${arg[id]}" "$(print_digest "$LOCK/${arg[id]}")"
}

# From the environment or from /etc/rig/secrets; nothing if neither has it.
print_secret() {
  local value
  value=$(printenv "${arg[name]}") || true
  [ -n "$value" ] || value=$(cat "/etc/rig/secrets/${arg[name]}" 2>/dev/null) || true
  printf '%s' "$value"
}

# The content of the file. printf is a shell builtin, so the secret never appears in the process list.
print_secret_file() {
  local line text
  if [ -z "${arg[template]-}" ]; then
    printf '%s\n' "$secret"
    return
  fi
  while IFS= read -r line || [ -n "$line" ]; do
    text=''
    while [ -n "$line" ]; do
      case $line in
        '{secret}'*) text+=$secret line=${line#'{secret}'} ;;
        '{account}'*) text+=${secret%%:*} line=${line#'{account}'} ;;
        '{password}'*) text+=${secret#*:} line=${line#'{password}'} ;;
        *) text+=${line:0:1} line=${line:1} ;;
      esac
    done
    printf '%s\n' "$text"
  done <"$LOCK/${arg[id]}"
}
