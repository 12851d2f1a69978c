apt_source_remove() {
  restore_file "/etc/apt/sources.list.d/${arg[name]}.list"
}
