log_info() { printf '%s\n' "$*" >&2; }

if [ "$1" = check ]; then
  shift
  check "$@"
else
  call_step "$@"
fi
