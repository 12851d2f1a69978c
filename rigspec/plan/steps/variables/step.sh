# path: the file that login shells source
variables_is_done() {
  is_installed_file "$LOCK/${arg[id]}" "${arg[path]}" 0644 root:root
}

variables_apply() {
  install_file "$LOCK/${arg[id]}" "${arg[path]}" 0644 root:root
}
