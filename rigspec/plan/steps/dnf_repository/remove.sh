dnf_repository_remove() {
  restore_file "/etc/yum.repos.d/rig-${arg[name]}.repo" && restore_file "/etc/pki/rpm-gpg/RPM-GPG-KEY-rig-${arg[name]}"
}
