platform_apply() {
  local found
  found="$(print_os_release ID) $(print_os_release VERSION_ID)" &&
    expect_platform "${arg[distribution]} ${arg[release]}" "$found" runs &&
    expect_platform "${arg[arch]}" "$(uname -m)" is
}

platform_is_done() {
  platform_apply
}

print_os_release() {  # KEY
  sed -n "s/^$1=//p" /etc/os-release | tr -d '"'
}

# Some distributions state a minor release as well: 9.6 is release 9.
expect_platform() {  # EXPECTED FOUND VERB
  case $2 in
    "$1" | "$1".*) ;;
    *) printf 'this rig is for %s, but this machine %s %s\n' "$1" "$3" "$2" >&2; return 1 ;;
  esac
}
