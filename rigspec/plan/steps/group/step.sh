# name; members: all its members, separated by commas; missing if they are not changed.
group_is_done() {
  getent group "${arg[name]}" >/dev/null &&
    { [ -z "${arg[members]+set}" ] || [ "$(getent group "${arg[name]}" | cut -d : -f 4)" = "${arg[members]}" ]; }
}

group_apply() {
  create_group "${arg[name]}" && { [ -z "${arg[members]+set}" ] || gpasswd --members "${arg[members]}" "${arg[name]}"; }
}
