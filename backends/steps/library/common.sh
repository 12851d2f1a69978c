# --- what the steps share
#
# A step is called as KIND_is_done, KIND_apply or KIND_remove. Its values are in the array `arg`, and the
# words of a command in the positional parameters. A function returns at the first failure by itself:
# `set -e` has no effect in a condition.

# call_step FUNCTION ID TITLE KIND [KEY=VALUE...] [-- WORD...]
call_step() {
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

# The stamp of a step has the value that the step was completed with. It is renamed into place.
write_stamp() {  # ID VALUE
  mkdir -p "$STATE" && printf '%s\n' "$2" >"$STATE/.$1.new" && mv -fT "$STATE/.$1.new" "$STATE/$1"
}

has_stamp() {  # ID VALUE
  [ -n "$2" ] && [ "$(cat "$STATE/$1" 2>/dev/null)" = "$2" ]
}

# shellcheck disable=SC2120 # a rig may have no step that passes files
print_digest() {  # [FILE...]: of the files, or of stdin
  local sum
  sum=$(cat -- "$@" | sha256sum) && printf '%s' "${sum%% *}"
}

download_file() {  # URL SHA256 PATH
  curl --fail --silent --show-error --location --retry 3 --output "$3" "$1" || return
  printf '%s  %s\n' "$2" "$3" | sha256sum --check --status || {
    printf 'checksum mismatch: %s does not match the lock\n' "$1" >&2
    return 1
  }
}

ensure_parent_dir() {  # PATH
  record_dir "$(dirname "$1")" && mkdir -p "$(dirname "$1")"
}

# A file is written next to its destination and then renamed, so readers never see a partial file.
commit_file() {  # PATH [secret]
  record_file "$@" && mv -fT "$1.rig-new" "$1"
}

install_file() {  # FILE PATH MODE USER:GROUP
  ensure_parent_dir "$2" && install -m "$3" -o "${4%%:*}" -g "${4#*:}" "$1" "$2.rig-new" && commit_file "$2"
}

is_installed_file() {  # FILE PATH MODE USER:GROUP
  has_mode "$2" "$3" "$4" && cmp -s "$1" "$2"
}

has_mode() {  # PATH MODE USER:GROUP
  [ "$(stat -c '%a %U:%G' "$1" 2>/dev/null)" = "$(printf '%o' "0$2") $3" ]
}

# The services that read a changed file are restarted by their own steps, which have no stamp then.
invalidate_steps() {  # ID...
  local id
  for id; do rm -f "$STATE/$id" || return; done
}

# words_before and words_after split the words of a step at `--`. Both set the array WORDS.
words_before() {  # WORD...
  WORDS=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    WORDS+=("$1")
    shift
  done
}

words_after() {  # WORD...
  while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
  [ $# -eq 0 ] || shift
  WORDS=("$@")
}

print_home() {  # USER
  getent passwd "$1" | cut -d : -f 6
}

# Users can put symbolic links anywhere in their home directory, so every file in it is read and written
# as that user.
run_in_home() {  # USER SCRIPT [WORD...]: the home directory is $1 in the script, the words are $2...
  local name=$1 script=$2
  shift 2
  runuser -u "$name" -- sh -c "$script" sh "$(print_home "$name")" "$@"
}
