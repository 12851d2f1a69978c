dnf_host_packages_remove() {
  dnf_packages_remove "$@"
}
