# --- records of what the installer adds, written before each change

readonly RECORDS=$STATE/owned

# write_list LIST COMMAND...: replace the list with the output of the command. If the command fails or
# the disk is full, the list is unchanged, and the caller must stop.
write_list() {
  local list=$1
  shift
  mkdir -p "$STATE" && install -d -m 0700 "$RECORDS" || return
  if "$@" | cat >"$RECORDS/.new" && sync "$RECORDS/.new" && mv -fT "$RECORDS/.new" "$RECORDS/$list"; then
    # Not every file system can sync a directory.
    sync "$RECORDS" 2>/dev/null || true
  else
    rm -f "$RECORDS/.new"
    return 1
  fi
}

record() {  # LIST LINE...: add the lines that are not in the list yet
  [ $# -gt 2 ] || ! is_recorded "$1" "$2" || return 0
  write_list "$1" print_list_with "$@"
}

unrecord() {  # LIST LINE
  [ "$DRY_RUN" = no ] && [ -e "$RECORDS/$1" ] || return 0
  write_list "$1" print_list_without "$@"
}

print_list_with() {  # LIST LINE...
  local list=$1
  shift
  { read_list "$list" && printf '%s\n' "$@"; } | awk 'NF && !seen[$0]++'
}

print_list_without() {  # LIST LINE
  read_list "$1" | OTHER=$2 awk '$0 != ENVIRON["OTHER"]'
}

is_recorded() {  # LIST LINE
  [ -e "$RECORDS/$1" ] && LINE=$2 awk '$0 == ENVIRON["LINE"] { found = 1 } END { exit !found }' "$RECORDS/$1"
}

read_list() {  # LIST
  [ ! -e "$RECORDS/$1" ] || cat "$RECORDS/$1"
}

# lines_not_in FILE [FIELD]: print the lines of stdin that, from that field on, are not in the file.
lines_not_in() {
  LISTED=$1 FIELD=${2:-1} awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    { part = $0; for (i = 1; i < ENVIRON["FIELD"]; i++) sub(/^[^\t]*\t/, "", part) }
    !(part in listed)'
}

lines_in() {  # FILE: print the lines of stdin that are also in the file
  LISTED=$1 awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    $0 in listed'
}

run_or_print() {  # DESCRIPTION COMMAND...: in a dry run, only print the description, once
  if [ "$DRY_RUN" = yes ]; then
    log_info_once "         would $1"
  else
    log_info "         $1"
    shift
    "$@"
  fi
}

report_kept() {
  log_info_once "         kept $*"
}

log_info_once() {
  case $LOGGED in
    *"|$1|"*) ;;
    *)
      LOGGED+="|$1|"
      log_info "$1"
      ;;
  esac
}

list_other_rigs() {  # the other rigs on this machine, which share the lists
  read_list rigs | OTHER=$RIG_NAME awk '$0 != ENVIRON["OTHER"]' | paste -s -d ' '
}
