#!/bin/sh
trap 'echo "install.sh: this file is truncated; download it again" >&2; exit 1' EXIT
#
# A two-user fastai server
# Adds the variables of the rig dl-server to a shell start-up file, or removes them. Written by
# rigspec from lock
# 7cf3c93775d0938a10da227b33110248cdc16df11e3655715a1bbfe40282ad80.
#
# Does not need root. The fragment is stored in ~/.config/rig; the start-up file gets one marked block
# that sources it. The rest of the file is not changed. Nothing runs before the last line, so a
# truncated file does nothing but report it, by the trap above.
set -eu

RIG=dl-server
BEGIN="# >>> rigspec $RIG >>>"
END="# <<< rigspec $RIG <<<"
# Notes in the block about the original file, for its removal. Do not change them: older blocks have them.
UNENDED="# The line above had no end."
MADE="# The file was made for this."
STAGED=

usage() {
  cat <<'USAGE'
usage: install.sh [--file FILE] [--uninstall] [--dry-run] [--help]

  --file FILE   start-up file (default: ~/.bashrc; use ~/.zshrc for zsh, ~/.profile for dash)
  --uninstall   remove the block from FILE, and the fragment with the last block
  --dry-run     print what would be done without changing anything
  --help        print this help
USAGE
}

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# Print the numbers of the lines of $1 that equal $2. An editor may have added carriage returns.
print_line_numbers() {
  carriage=$(printf '\r')
  LC_ALL=C grep -a -n -F -e "$2" -- "$1" | LC_ALL=C sed "s/$carriage\$//" |
    LC_ALL=C awk -v mark="$2" '{ line = $0; sub(/:.*/, "", line); sub(/^[0-9]*:/, "") } $0 == mark { print line }'
}

# Set FIRST and LAST to the line numbers of the block in $1, or to nothing. Fail if it is malformed.
find_block() {
  FIRST=$(print_line_numbers "$1" "$BEGIN")
  LAST=$(print_line_numbers "$1" "$END")
  begins=$(printf '%s' "$FIRST" | grep -c . || :)
  ends=$(printf '%s' "$LAST" | grep -c . || :)
  [ "$begins" -le 1 ] || fail "$1:$(printf '%s' "$FIRST" | sed -n 2p): duplicate start of the $RIG block; remove one"
  [ "$ends" -le 1 ] || fail "$1:$(printf '%s' "$LAST" | sed -n 2p): duplicate end of the $RIG block; remove one"
  [ "$begins" -eq "$ends" ] || fail "$1:$FIRST$LAST: incomplete $RIG block; restore or remove its markers"
  [ "$begins" -eq 0 ] || [ "$FIRST" -lt "$LAST" ] || fail "$1:$LAST: the $RIG block ends before it starts; fix its markers"
}

# Succeed if the block in $1 contains the line $2.
has_note() {
  [ -n "$FIRST" ] && sed -n "${FIRST},${LAST}p" "$1" | LC_ALL=C tr -d '\r' | grep -q -x -F -e "$2"
}

print_before() { [ "$FIRST" -le 1 ] || head -n "$((FIRST - 1))" "$1"; }
print_after() { tail -n "+$((LAST + 1))" "$1"; }
lacks_newline() { [ -s "$1" ] && [ -n "$(tail -c 1 "$1" | tr -d '\n' | od -A n -t x1)" ]; }

# Print the block; $1 and $2 are notes for its removal, or empty.
print_block() {
  printf '%s\n' "$BEGIN"
  [ -z "$1" ] || printf '%s\n' "$1"
  [ -z "$2" ] || printf '%s\n' "$2"
  # shellcheck disable=SC2016 # expanded by the start-up file
  printf 'if [ -r "$HOME/.config/rig/%s.sh" ]; then . "$HOME/.config/rig/%s.sh"; fi\n' "$RIG" "$RIG"
  printf '%s\n' "$END"
}

# Replace the file $2 by $1 atomically, and keep the mode and owner of $2.
replace_file() {
  STAGED=$(mktemp "$2.XXXXXX") || fail "cannot write to $(dirname "$2")"
  if [ -e "$2" ]; then
    cp -p -- "$2" "$STAGED"
  else
    chmod "$(printf '%o' $((0666 & ~$(umask))))" "$STAGED"
  fi
  cat -- "$1" >"$STAGED" || fail "cannot write $STAGED"
  mv -f -- "$STAGED" "$2"
  STAGED=
}

# Write the file with the block to $SCRATCH/new.
render_with_block() {
  unended='' made=''
  if [ ! -e "$1" ]; then
    made=$MADE
    print_block "$unended" "$made" >"$SCRATCH/new"
    return
  fi
  find_block "$1"
  if [ -n "$FIRST" ]; then
    ! has_note "$1" "$UNENDED" || unended=$UNENDED
    ! has_note "$1" "$MADE" || made=$MADE
    { print_before "$1"; print_block "$unended" "$made"; print_after "$1"; } >"$SCRATCH/new"
  else
    cat -- "$1" >"$SCRATCH/new"
    if lacks_newline "$1"; then
      unended=$UNENDED
      printf '\n' >>"$SCRATCH/new"
    fi
    print_block "$unended" "$made" >>"$SCRATCH/new"
  fi
}

# Write the file without the block to $SCRATCH/new.
render_without_block() {
  print_before "$1" >"$SCRATCH/before"
  if has_note "$1" "$UNENDED" && [ -s "$SCRATCH/before" ]; then
    head -c "$(($(wc -c <"$SCRATCH/before") - 1))" "$SCRATCH/before" >"$SCRATCH/new"
    # Text below the block must start on a new line.
    [ "$(print_after "$1" | wc -c)" -eq 0 ] || printf '\n' >>"$SCRATCH/new"
  else
    cat "$SCRATCH/before" >"$SCRATCH/new"
  fi
  print_after "$1" >>"$SCRATCH/new"
}

install_block() {
  render_with_block "$FILE"
  if [ -e "$FILE" ] && cmp -s "$SCRATCH/new" "$FILE" && cmp -s "$HERE/rig.sh" "$FRAGMENT"; then
    echo "$FILE: the variables of $RIG are already set"
  elif [ "$DRY_RUN" = yes ]; then
    echo "would add the variables of $RIG to $FILE"
  else
    mkdir -p "$(dirname "$FRAGMENT")"
    cmp -s "$HERE/rig.sh" "$FRAGMENT" || replace_file "$HERE/rig.sh" "$FRAGMENT"
    cmp -s "$SCRATCH/new" "$FILE" || replace_file "$SCRATCH/new" "$FILE"
    echo "added the variables of $RIG to $FILE; open a new shell to use them"
  fi
}

# Remove the fragment unless another start-up file sources it.
remove_fragment() {
  for other in .bashrc .bash_profile .profile .zshrc .zprofile .zshenv; do
    [ ! -r "$HOME/$other" ] || [ -z "$(print_line_numbers "$HOME/$other" "$BEGIN")" ] || return 0
  done
  rm -f -- "$FRAGMENT"
  rmdir -- "$(dirname "$FRAGMENT")" 2>/dev/null || :
}

uninstall_block() {
  [ ! -e "$FILE" ] || find_block "$FILE"
  if [ ! -e "$FILE" ] || [ -z "$FIRST" ]; then
    echo "$FILE: no $RIG block"
  elif [ "$DRY_RUN" = yes ]; then
    echo "would remove the variables of $RIG from $FILE"
  else
    render_without_block "$FILE"
    if has_note "$FILE" "$MADE" && [ ! -s "$SCRATCH/new" ]; then
      rm -f -- "$FILE"
    else
      replace_file "$SCRATCH/new" "$FILE"
    fi
    remove_fragment
    echo "removed the variables of $RIG from $FILE"
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
        [ $# -ge 2 ] || fail "--file requires a file name"
        FILE=$2
        shift
        ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  [ -n "${HOME:-}" ] || fail "HOME is not set"
  FILE=$(readlink -f -- "${FILE:-$HOME/.bashrc}") || fail "${FILE:-$HOME/.bashrc}: no such directory"
  FRAGMENT=$HOME/.config/rig/$RIG.sh
  HERE=$(cd "$(dirname "$0")" && pwd)
  [ "$UNINSTALL" = yes ] || [ -r "$HERE/rig.sh" ] || fail "rig.sh not found next to this script"
  if [ -e "$FILE" ]; then
    [ -f "$FILE" ] || fail "$FILE is not a file"
    [ -r "$FILE" ] || fail "cannot read $FILE"
    [ "$(id -u)" -eq 0 ] || [ -n "$(find "$FILE" -prune -user "$(id -u)")" ] || fail "$FILE belongs to another user"
  fi
  SCRATCH=$(mktemp -d)
  if [ "$UNINSTALL" = yes ]; then uninstall_block; else install_block; fi
}

SCRATCH=
# shellcheck disable=SC2317 # called by the trap
clean() {
  [ -z "$SCRATCH" ] || rm -rf -- "$SCRATCH"
  [ -z "$STAGED" ] || rm -f -- "$STAGED"
}

# A file truncated within this line has no complete command.
{ main "$@"; }
