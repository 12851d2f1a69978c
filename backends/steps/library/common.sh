# --- shared by the steps
#
# A step is called as KIND_is_done, KIND_apply or KIND_remove: its values are in the array `arg`, the words of a
# command are $1, $2... A function returns at the first failure by itself: `set -e` has no effect in a condition.

call_step() {  # FUNCTION ID TITLE KIND [KEY=VALUE...] [-- WORD...]
  local function=$1 kind=${4//-/_}
  local -A arg=([id]=$2 [title]=$3)
  shift 4
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    arg[${1%%=*}]=${1#*=}
    shift
  done
  [ $# -eq 0 ] || shift
  "${kind}_$function" "$@"
}

step_error() {  # TEXT...: print it, and fail
  printf '%s\n' "$*" >&2
  return 1
}

write_state() {  # NAME COMMAND...: replace the file by the output of the command
  mkdir -p "$STATE" && "${@:2}" >"$STATE/.$1.new" && mv -fT "$STATE/.$1.new" "$STATE/$1"
}

# The stamp of a completed step is the output of KIND_digest at that time.
write_stamp() {  # [WORD...]
  write_state "${arg[id]}" "${kind}_digest" "$@"
}

has_stamp() {  # [WORD...]
  local digest
  digest=$("${kind}_digest" "$@") && [ -n "$digest" ] && [ "$(cat "$STATE/${arg[id]}" 2>/dev/null)" = "$digest" ]
}

print_digest() {  # [FILE...]: of the files, or of stdin
  local sum
  sum=$(cat -- "$@" | sha256sum) && printf '%s' "${sum%% *}"
}

fetch_url() {  # URL PATH [OPTION...]
  curl -fsSL --retry 3 -o "$2" "${@:3}" "$1"
}

download_file() {  # URL SHA256 PATH
  fetch_url "$1" "$3" || return
  [ "$(print_digest "$3")" = "$2" ] || step_error "checksum mismatch: $1 does not match the lock"
}

ensure_parent_dir() {  # PATH
  record_dir "$(dirname "$1")" && mkdir -p "$(dirname "$1")"
}

# PATH.rig-new is complete and is renamed to PATH, so readers never see a partial file.
commit_file() {  # PATH [secret]
  record_file "$@" && mv -fT "$1.rig-new" "$1"
}

# The content is the lock's file with the ID of the step.
install_file() {  # PATH [MODE [USER:GROUP]]
  local mode=${2:-0644} owner=${3:-root:root}
  ensure_parent_dir "$1" &&
    install -m "$mode" -o "${owner%%:*}" -g "${owner#*:}" "$LOCK/${arg[id]}" "$1.rig-new" && commit_file "$1"
}

is_installed_file() {  # PATH [MODE [USER:GROUP]]
  has_mode "$1" "${2:-0644}" "${3:-root:root}" && cmp -s "$LOCK/${arg[id]}" "$1"
}

has_mode() {  # PATH MODE USER:GROUP
  [ "$(stat -c '%a %U:%G' "$1" 2>/dev/null)" = "$(printf '%o' "0$2") $3" ]
}

# The services that read a changed file are restarted by their own steps, which have no stamp then.
invalidate_dependents() {
  local id
  for id in ${arg[dependents]-}; do rm -f "$STATE/$id" || return; done
}

# Both set the array WORDS to a part of the words of a step, which `--` separates.
words_before() {  # WORD...
  WORDS=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    WORDS+=("$1")
    shift
  done
}

words_after() {  # WORD...
  while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
  WORDS=("${@:2}")
}

print_home() {  # USER
  getent passwd "$1" | cut -d : -f 6
}

# As the user, who can put symbolic links anywhere in the home directory.
run_in_home() {  # USER SCRIPT [WORD...]: in the script, $1 is the home directory, and the words are $2...
  runuser -u "$1" -- sh -c "$2" sh "$(print_home "$1")" "${@:3}"
}
