# path: the file that login shells source
variables_is_done() {
  is_installed_file "${arg[path]}"
}

variables_apply() {
  install_file "${arg[path]}"
}
