secret_remove() {
  restore_file "${arg[path]}"
}
