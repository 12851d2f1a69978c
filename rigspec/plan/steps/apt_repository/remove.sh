apt_repository_remove() {
  restore_file "/etc/apt/sources.list.d/${arg[name]}.list" && restore_file "/etc/apt/keyrings/${arg[name]}.gpg"
}
