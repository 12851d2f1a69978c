#!/bin/sh
# A two-user fastai server
# Puts the variables of the rig dl-server into the start-up file of a user's shell, and takes them out
# again. Written by rigspec from the lock
# 76b72b3132e096dd34f95f1750372fdbdcea9aac1b5ce941fabce14af80b3205.
#
# No root is needed. The fragment is kept in the user's own folder; the start-up file gets one
# marked block that reads it, and nothing else in that file is touched.
set -eu

# Nothing below runs before the last line: a file that is cut off does nothing, and says so.
trap 'echo "install.sh: this file is not whole; fetch it again" >&2; exit 1' EXIT

RIG=dl-server
BEGIN="# >>> rigspec $RIG >>>"
END="# <<< rigspec $RIG <<<"
# What taking the block out must know of the file before it came.
UNENDED="# The line above had no end."
MADE="# The file was made for this."
STAGED=

usage() {
  cat <<'USAGE'
usage: install.sh [--file FILE] [--uninstall] [--dry-run] [--help]

  --file FILE   the start-up file; ~/.bashrc if not given (~/.zshrc for zsh, ~/.profile for dash)
  --uninstall   take the block out of FILE, and the fragment with the last one
  --dry-run     say what would be done, and change nothing
USAGE
}

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# Lines of $1 that are the mark $2; an editor may have ended them with a carriage return.
lines_of() {
  carriage=$(printf '\r')
  LC_ALL=C grep -a -n -F -e "$2" -- "$1" | LC_ALL=C sed "s/$carriage\$//" |
    LC_ALL=C awk -v mark="$2" '{ line = $0; sub(/:.*/, "", line); sub(/^[0-9]*:/, "") } $0 == mark { print line }'
}

# Set FIRST and LAST to the block's lines in $1, or to nothing; refuse what is not one whole block.
find_block() {
  FIRST=$(lines_of "$1" "$BEGIN")
  LAST=$(lines_of "$1" "$END")
  begins=$(printf '%s' "$FIRST" | grep -c . || :)
  ends=$(printf '%s' "$LAST" | grep -c . || :)
  [ "$begins" -le 1 ] || fail "$1:$(printf '%s' "$FIRST" | sed -n 2p): a second block of $RIG begins; remove one by hand"
  [ "$ends" -le 1 ] || fail "$1:$(printf '%s' "$LAST" | sed -n 2p): a second block of $RIG ends; remove one by hand"
  [ "$begins" -eq "$ends" ] || fail "$1:$FIRST$LAST: only one mark of the block of $RIG is there; mend it by hand"
  [ "$begins" -eq 0 ] || [ "$FIRST" -lt "$LAST" ] || fail "$1:$LAST: the block of $RIG ends before it begins; mend it by hand"
}

# Whether the block of $1 holds the line $2.
notes() {
  [ -n "$FIRST" ] && sed -n "${FIRST},${LAST}p" "$1" | LC_ALL=C tr -d '\r' | grep -q -x -F -e "$2"
}

before() { [ "$FIRST" -le 1 ] || head -n "$((FIRST - 1))" "$1"; }
after() { tail -n "+$((LAST + 1))" "$1"; }
without_end() { [ -s "$1" ] && [ -n "$(tail -c 1 "$1" | tr -d '\n' | od -A n -t x1)" ]; }

# The block; $1 and $2 are notes for its removal, or empty.
block() {
  printf '%s\n' "$BEGIN"
  [ -z "$1" ] || printf '%s\n' "$1"
  [ -z "$2" ] || printf '%s\n' "$2"
  # shellcheck disable=SC2016 # the start-up file is to expand it
  printf 'if [ -r "$HOME/.config/rig/%s.sh" ]; then . "$HOME/.config/rig/%s.sh"; fi\n' "$RIG" "$RIG"
  printf '%s\n' "$END"
}

# Put the file $1 in the place of $2 in one move, with the mode and owner that $2 has.
replace() {
  STAGED=$(mktemp "$2.XXXXXX") || fail "$(dirname "$2") cannot be written to"
  if [ -e "$2" ]; then
    cp -p -- "$2" "$STAGED"
  else
    chmod "$(printf '%o' $((0666 & ~$(umask))))" "$STAGED"
  fi
  cat -- "$1" >"$STAGED" || fail "$STAGED cannot be written"
  mv -f -- "$STAGED" "$2"
  STAGED=
}

put_block() {
  unended='' made=''
  if [ ! -e "$1" ]; then
    made=$MADE
    block "$unended" "$made" >"$SCRATCH/new"
    return
  fi
  find_block "$1"
  if [ -n "$FIRST" ]; then
    ! notes "$1" "$UNENDED" || unended=$UNENDED
    ! notes "$1" "$MADE" || made=$MADE
    { before "$1"; block "$unended" "$made"; after "$1"; } >"$SCRATCH/new"
  else
    cat -- "$1" >"$SCRATCH/new"
    if without_end "$1"; then
      unended=$UNENDED
      printf '\n' >>"$SCRATCH/new"
    fi
    block "$unended" "$made" >>"$SCRATCH/new"
  fi
}

# Leave in $SCRATCH/new what the file was without the block.
take_block() {
  before "$1" >"$SCRATCH/before"
  if notes "$1" "$UNENDED" && [ -s "$SCRATCH/before" ]; then
    head -c "$(($(wc -c <"$SCRATCH/before") - 1))" "$SCRATCH/before" >"$SCRATCH/new"
    # What somebody wrote below begins a line of its own.
    [ "$(after "$1" | wc -c)" -eq 0 ] || printf '\n' >>"$SCRATCH/new"
  else
    cat "$SCRATCH/before" >"$SCRATCH/new"
  fi
  after "$1" >>"$SCRATCH/new"
}

install_block() {
  put_block "$FILE"
  if [ -e "$FILE" ] && cmp -s "$SCRATCH/new" "$FILE" && cmp -s "$HERE/rig.sh" "$FRAGMENT"; then
    echo "$FILE has the variables of $RIG already"
  elif [ "$DRY_RUN" = yes ]; then
    echo "would put the variables of $RIG into $FILE"
  else
    mkdir -p "$(dirname "$FRAGMENT")"
    cmp -s "$HERE/rig.sh" "$FRAGMENT" || replace "$HERE/rig.sh" "$FRAGMENT"
    cmp -s "$SCRATCH/new" "$FILE" || replace "$SCRATCH/new" "$FILE"
    echo "$FILE has the variables of $RIG: they are set in the next shell"
  fi
}

# Remove the fragment, unless another start-up file reads it.
forget_fragment() {
  for other in .bashrc .bash_profile .profile .zshrc .zprofile .zshenv; do
    [ ! -r "$HOME/$other" ] || [ -z "$(lines_of "$HOME/$other" "$BEGIN")" ] || return 0
  done
  rm -f -- "$FRAGMENT"
  rmdir -- "$(dirname "$FRAGMENT")" 2>/dev/null || :
}

uninstall_block() {
  [ ! -e "$FILE" ] || find_block "$FILE"
  if [ ! -e "$FILE" ] || [ -z "$FIRST" ]; then
    echo "$FILE has no block of $RIG"
  elif [ "$DRY_RUN" = yes ]; then
    echo "would take the variables of $RIG out of $FILE"
  else
    take_block "$FILE"
    if notes "$FILE" "$MADE" && [ ! -s "$SCRATCH/new" ]; then
      rm -f -- "$FILE"
    else
      replace "$SCRATCH/new" "$FILE"
    fi
    forget_fragment
    echo "the variables of $RIG are out of $FILE"
  fi
}

main() {
  trap clean EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  FILE='' UNINSTALL=no DRY_RUN=no
  while [ $# -gt 0 ]; do
    case $1 in
      --help) usage; return ;;
      --uninstall) UNINSTALL=yes ;;
      --dry-run) DRY_RUN=yes ;;
      --file)
        [ $# -ge 2 ] || fail "--file wants a file's name"
        FILE=$2
        shift
        ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  [ -n "${HOME:-}" ] || fail "HOME is not set"
  FILE=$(readlink -f -- "${FILE:-$HOME/.bashrc}") || fail "${FILE:-$HOME/.bashrc}: no such folder"
  FRAGMENT=$HOME/.config/rig/$RIG.sh
  HERE=$(cd "$(dirname "$0")" && pwd)
  [ "$UNINSTALL" = yes ] || [ -r "$HERE/rig.sh" ] || fail "rig.sh is not beside this file"
  if [ -e "$FILE" ]; then
    [ -f "$FILE" ] || fail "$FILE is no file"
    [ -r "$FILE" ] || fail "$FILE cannot be read"
    [ "$(id -u)" -eq 0 ] || [ -n "$(find "$FILE" -prune -user "$(id -u)")" ] || fail "$FILE is somebody else's"
  fi
  SCRATCH=$(mktemp -d)
  if [ "$UNINSTALL" = yes ]; then uninstall_block; else install_block; fi
}

SCRATCH=
# shellcheck disable=SC2317 # the trap calls it
clean() {
  [ -z "$SCRATCH" ] || rm -rf -- "$SCRATCH"
  [ -z "$STAGED" ] || rm -f -- "$STAGED"
}

# Cut off within it, this is no command at all.
{ main "$@"; }
