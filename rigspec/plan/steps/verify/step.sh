verify_is_done() {
  false
}

verify_apply() {
  DIFFERENCES=0
  run_checks || true
  [ "$DIFFERENCES" -eq 0 ]
}

# The command must print what is expected, or a list of differences. A check that fails without output is also a difference.
check() {  # TITLE EXPECTED COMMAND...
  local title=$1 expected=$2 found line
  shift 2
  case $expected in
    '' | 'as locked')
      found=$("$@") || found=${found:-the check failed}
      [ "$found" != "$expected" ] || return 0
      while IFS= read -r line; do printf '%s: %s\n' "$title" "$line" >&2; done <<<"${found:-the check printed nothing}"
      ;;
    *)
      found=$("$@") || true
      [ "$found" != "$expected" ] || return 0
      found=${found:-nothing}
      printf '%s: locked %s, found %s\n' "$title" "${expected//$'\n'/ }" "${found//$'\n'/ }" >&2
      ;;
  esac
  DIFFERENCES=$((${DIFFERENCES:-0} + 1))
  return 1
}

check_packages() {  # PART
  check "packages ($1)" 'as locked' sh "$LOCK/check-packages.sh" installed "$LOCK/packages.$1.txt"
}

check_after_reboot() {  # TITLE EXPECTED COMMAND...: of what can succeed only after the reboot of the plan
  if [ -e "$STATE/reboot" ] && [ ! -e "$STATE/reboot-due" ]; then
    check "$@"
  else
    echo "$1: will be checked after the reboot" >&2
  fi
}
