certificate_remove() {
  restore_file "${arg[certificate]}" && restore_file "${arg[key]}"
}
