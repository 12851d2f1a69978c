# name; groups: separated by spaces; keys: `yes` if the lock has a file of SSH keys with the ID of the step.
# The words are the files that an existing account gets from /etc/skel.
user_is_done() {  # [PATH...]
  local path home
  id -u "${arg[name]}" >/dev/null 2>&1 && home=$(print_home "${arg[name]}") || return
  for path; do [ -e "$home/$path" ] || return; done
  has_stamp
}

user_apply() {  # [PATH...]
  local path
  create_account "${arg[name]}" && join_groups || return
  for path; do copy_skel_file "$path" || return; done
  install_ssh_keys && write_stamp
}

user_digest() {
  { [ -z "${arg[keys]-}" ] || cat "$LOCK/${arg[id]}" || return; printf '%s' "${arg[groups]-}"; } | print_digest
}

# Membership in a group that the rig no longer lists may have another reason by now: report it only.
join_groups() {
  local name=${arg[name]} recorded=$STATE/${arg[id]}.groups group
  for group in ${arg[groups]-}; do
    getent group "$group" >/dev/null || step_error "no group $group on this machine, but user $name must be a member" || return
  done
  if [ -e "$recorded" ]; then
    while IFS= read -r group; do
      case " ${arg[groups]-} " in *" $group "*) continue ;; esac
      ! id -nG "$name" | tr ' ' '\n' | grep -qxF -e "$group" ||
        log_info "$name is still in group $group, which the rig no longer lists; to remove it: gpasswd --delete"
    done <"$recorded"
  fi
  if [ -n "${arg[groups]-}" ]; then
    write_state "${arg[id]}.groups" printf '%s\n' "${arg[groups]// /$'\n'}" || return
  else
    rm -f "$recorded"
  fi
  for group in ${arg[groups]-}; do usermod --append --groups "$group" "$name" || return; done
}

copy_skel_file() {  # PATH
  run_in_home "${arg[name]}" '
    umask 022 && cd "$1" && { [ -e "$2" ] || { mkdir -p "$(dirname "$2")" && cp "/etc/skel/$2" "$2"; }; }' "$1"
}

# Keep the keys of others, add each of ours once, and remove those that the rig no longer lists. Our keys
# are recorded before they are added, so that an interrupted run never leaves an unrecorded key.
install_ssh_keys() {
  local name=${arg[name]} list=${arg[id]}.keys given=$LOCK/${arg[id]}
  local ours=$STATE/$list
  if [ -n "${arg[keys]-}" ]; then
    [ -e "$ours" ] || write_state "$list" true || return
    write_state "$list" sort -u "$given" "$ours" || return
  else
    [ -e "$ours" ] || return 0
    given=/dev/null
  fi
  { sed 's/^/+/' "$given" && sed 's/^/-/' "$ours"; } | run_in_home "$name" "$MERGE_SSH_KEYS" ||
    step_error "could not write the SSH keys of $name to $(print_home "$name")/.ssh/authorized_keys as that user:" \
      "check its owner and where it links to" || return
  if [ -n "${arg[keys]-}" ]; then
    write_state "$list" cat "$given"
  else
    rm -f "$ours"
  fi
}

# A program of the user. On stdin, our keys have the prefix `+`, and keys that were or will be ours `-`.
readonly MERGE_SSH_KEYS='
  umask 077 && ssh=$1/.ssh && input=$(cat) && mkdir -p "$ssh" && chmod 0700 "$ssh" && old= &&
    { ! [ -e "$ssh/authorized_keys" ] || old=$(cat "$ssh/authorized_keys"); } &&
    rm -f "$ssh/authorized_keys.rig-new" &&
    { printf "%s\n" "$input"; [ -z "$old" ] || printf "%s\n" "$old" | sed "s/^/ /"; } |
    awk "
      { key = substr(\$0, 2) }
      /^[+]/ { new[++count] = key }
      /^[+-]/ { ours[key] }
      /^ / && ! (key in ours) { print key }
      END { for (i = 1; i <= count; i++) print new[i] }" >"$ssh/authorized_keys.rig-new" &&
    mv -fT "$ssh/authorized_keys.rig-new" "$ssh/authorized_keys"'
