variables_remove() {
  restore_file "${arg[path]}"
}
