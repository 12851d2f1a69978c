# --- the first boot of a new machine: nothing is recorded, because nothing was there before

log_info() { printf '%s\n' "$*" >&2; }

# step ID TITLE KIND [KEY=VALUE...] [-- WORD...]: perform one step of the plan, unless it is complete
step() {
  [ -z "$ONLY" ] || [ "$1" = "$ONLY" ] || return 0
  if is_completed "$@"; then
    echo "ok       ${2:-$1}"
    return
  fi
  echo "doing    ${2:-$1}"
  { call_step apply "$@" </dev/null && mark_completed "$@"; } || stop "$@"
}

stop() {  # ID [TITLE]
  echo "$NAME: step $1 failed: ${2:-$1}; after the cause is removed, run $0 again" >&2
  exit 1
}

main() {
  ONLY=''
  case ${1-} in
    '') ;;
    --step) ONLY=${2?} ;;
    *) echo "usage: $0 [--step ID]" >&2; exit 2 ;;
  esac
  umask 022
  export LC_ALL=C.UTF-8
  load_plan
}
