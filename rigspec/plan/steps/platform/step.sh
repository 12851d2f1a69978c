platform_is_done() {
  platform_apply
}

platform_apply() {
  local found
  found="$(print_os_release ID) $(print_os_release VERSION_ID)" &&
    expect_platform "${arg[distribution]} ${arg[release]}" "$found" runs &&
    expect_platform "${arg[arch]}" "$(uname -m)" is
}

print_os_release() {  # KEY
  sed -n "s/^$1=//p" /etc/os-release | tr -d '"'
}

# Some distributions state a minor release as well: 9.6 is release 9.
expect_platform() {  # EXPECTED FOUND VERB
  case $2 in
    "$1" | "$1".*) ;;
    *) step_error "this rig is for $1, but this machine $3 $2" ;;
  esac
}
