verify_is_done() {
  false
}

verify_apply() {
  DIFFERENCES=0
  run_checks || true
  [ "$DIFFERENCES" -eq 0 ]
}

# check TITLE EXPECTED COMMAND...: the command must print EXPECTED. A check that fails without output is also
# a difference.
check() {
  local title=$1 expected=$2 found line
  shift 2
  case $expected in
    '' | 'as locked')
      # The command prints a list of differences.
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

# As check, for what can succeed only after the reboot of the plan.
check_after_reboot() {  # TITLE EXPECTED COMMAND...
  if [ -e "$STATE/reboot" ] && [ ! -e "$STATE/reboot-due" ]; then
    check "$@"
  else
    printf '%s: will be checked after the reboot\n' "$1" >&2
  fi
}
