# As apt-packages. modules: `yes` if the packages build kernel modules on the machine.
host_packages_is_done() {  # [WORD...]
  apt_packages_is_done "$@"
}

host_packages_apply() {  # [WORD...]
  refresh_packages && check_package_index && host_packages_prepare && install_step_packages "$@" && hold_packages "$@" &&
    host_packages_report && { [ -z "${arg[packages]-}" ] || write_stamp; }
}

host_packages_digest() {
  apt_packages_digest
}

# DKMS builds modules for a kernel whose headers are installed. The kernel is the machine's own, so its
# headers are not in the lock.
host_packages_prepare() {
  local kernel
  kernel=$(uname -r)
  [ -n "${arg[modules]-}" ] && [ ! -e "/lib/modules/$kernel/build" ] || return 0
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "linux-headers-$kernel" >/dev/null 2>&1 ||
    echo "the headers of the kernel $kernel are not available: the modules of the driver cannot be built" >&2
}

host_packages_report() {
  [ -n "${arg[modules]-}" ] && mokutil --sb-state 2>/dev/null | grep -q 'SecureBoot enabled' || return 0
  echo 'Secure Boot is enabled: the driver does not load before its signing key is enrolled (mokutil --import, then reboot)' >&2
}
