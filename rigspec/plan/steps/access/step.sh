# path, owner (user:group), mode
access_is_done() {
  has_mode "${arg[path]}" "${arg[mode]}" "${arg[owner]}"
}

access_apply() {
  chown "${arg[owner]}" "${arg[path]}" && chmod "${arg[mode]}" "${arg[path]}"
}
