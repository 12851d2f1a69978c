# name; members: all its members, separated by commas; missing if they are not changed.
group_is_done() {
  getent group "${arg[name]}" >/dev/null &&
    { [ -z "${arg[members]+set}" ] || [ "$(getent group "${arg[name]}" | cut -d : -f 4)" = "${arg[members]}" ]; }
}

# Record only a group that did not exist before.
group_apply() {
  clear_account_locks
  getent group "${arg[name]}" >/dev/null || { record groups "${arg[name]}" && groupadd --system "${arg[name]}"; } || return
  [ -z "${arg[members]+set}" ] || gpasswd --members "${arg[members]}" "${arg[name]}"
}
