# As dnf-packages. modules: `yes` if the packages build kernel modules on the machine.
dnf_host_packages_is_done() {  # [WORD...]
  dnf_packages_is_done "$@"
}

dnf_host_packages_apply() {  # [WORD...]
  dnf_host_packages_prepare && dnf_packages_apply "$@" && dnf_host_packages_report
}

# DKMS builds modules for a kernel whose development files are installed. The kernel is the machine's own, so they
# are not in the lock. `uname -r` ends in the variant of a kernel: 5.14.0-687.el9.aarch64+64k
dnf_host_packages_prepare() {
  local kernel variant
  kernel=$(uname -r)
  variant=${kernel#"${kernel%%+*}"}
  [ -n "${arg[modules]-}" ] && [ ! -e "/lib/modules/$kernel/build" ] || return 0
  run_dnf install "kernel${variant/+/-}-devel-matched-${kernel%%+*}" >/dev/null 2>&1 ||
    echo "the development files of the kernel $kernel are not available: the driver loads after a reboot into a newer one" >&2
}

dnf_host_packages_report() {
  [ -n "${arg[modules]-}" ] && mokutil --sb-state 2>/dev/null | grep -q 'SecureBoot enabled' || return 0
  echo 'Secure Boot is enabled: the driver does not load before its signing key is enrolled (mokutil --import /var/lib/dkms/mok.pub, then reboot)' >&2
}
