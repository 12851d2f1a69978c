# A step is skipped if it was completed before; `--step ID` repeats it. A secret or a quota may still be
# missing after its step succeeds.
is_completed() { [ -z "$ONLY" ] && [ -e "$STATE/$1" ]; }
mark_completed() {
  case $3 in
    secret | quota | verify) ;;
    *) [ -e "$STATE/$1" ] || { mkdir -p "$STATE" && : >"$STATE/$1"; } ;;
  esac
}
