# name: of the secret; path, owner; template: `yes` if the lock has the text of the file, with placeholders;
# account: `yes` if the secret has the form account:password; dependents: services that read the file.
secret_is_done() {
  local secret path=${arg[path]}
  [ -s "$path" ] && [ "$(stat -c '%a %U' "$path" 2>/dev/null)" = "400 ${arg[owner]}" ] || return
  [ -z "${arg[template]-}" ] || has_stamp || return
  # The secret may have changed.
  secret=$(print_secret)
  [ -z "$secret" ] || print_secret_file | cmp -s - "$path"
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
  [ -z "${arg[account]-}" ] || [ "$secret" != "${secret%%:*}" ] ||
    step_error "the secret ${arg[name]} must have the form account:password" || return
  (umask 077 && rm -f "$path.rig-new" && print_secret_file >"$path.rig-new" && chmod 0400 "$path.rig-new" &&
    chown "${arg[owner]}" "$path.rig-new") && invalidate_dependents && commit_file "$path" secret || return
  [ -z "${arg[template]-}" ] || write_stamp
}

secret_digest() {
  print_digest "$LOCK/${arg[id]}"
}

print_secret() {  # from the environment or from /etc/rig/secrets; nothing if neither has it
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
