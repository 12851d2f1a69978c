download_remove() {
  restore_file "${arg[to]}"
}
