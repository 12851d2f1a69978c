host_packages_remove() {
  apt_packages_remove "$@"
}
