# --- records, written before each change

readonly RECORDS=$STATE/owned

is_dry_run() { [ "$DRY_RUN" = yes ]; }

# If the command fails or the disk is full, the list is unchanged, and the caller must stop.
write_list() {  # LIST COMMAND...: replace the list by the output of the command
  mkdir -p "$STATE" && install -d -m 0700 "$RECORDS" || return
  if ! "${@:2}" | cat >"$RECORDS/.new" || ! sync "$RECORDS/.new" || ! mv -fT "$RECORDS/.new" "$RECORDS/$1"; then
    rm -f "$RECORDS/.new"
    return 1
  fi
  # Not every file system can sync a directory.
  sync "$RECORDS" 2>/dev/null || true
}

read_list() {  # LIST
  [ ! -e "$RECORDS/$1" ] || cat "$RECORDS/$1"
}

search_list() {  # LIST VALUE CODE: run the code of awk, in which `value` is the value, on the list
  read_list "$1" | VALUE=$2 awk "BEGIN { value = ENVIRON[\"VALUE\"] } $3"
}

is_in_list() {  # LIST VALUE CONDITION: succeed if a line fulfils the condition of awk
  [ -n "$(search_list "$1" "$2" "$3 { print 1; exit }")" ]
}

is_recorded() {  # LIST LINE
  is_in_list "$1" "$2" '$0 == value'
}

record() {  # LIST LINE...: add the lines that are not in the list yet
  [ $# -gt 2 ] || ! is_recorded "$1" "$2" || return 0
  write_list "$1" print_list_with "$@"
}

print_list_with() {  # LIST LINE...
  { read_list "$1" && printf '%s\n' "${@:2}"; } | awk 'NF && !seen[$0]++'
}

unrecord() {  # LIST LINE
  ! is_dry_run && [ -e "$RECORDS/$1" ] || return 0
  write_list "$1" search_list "$@" '$0 != value'
}

list_other_rigs() {  # on this machine, which share the lists
  search_list rigs "$RIG_NAME" '$0 != value' | paste -s -d ' '
}

# Print the lines of stdin that are in the file, or are not, compared from the field on.
select_lines() {  # in|out FILE [FIELD]
  SELECT=$1 LISTED=$2 FIELD=${3:-1} awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    { part = $0; for (i = 1; i < ENVIRON["FIELD"]; i++) sub(/^[^\t]*\t/, "", part) }
    (part in listed) == (ENVIRON["SELECT"] == "in")'
}

run_or_print() {  # DESCRIPTION COMMAND...: in a dry run, print the description once
  if is_dry_run; then
    log_info_once "         would $1"
  else
    log_info "         $1"
    "${@:2}"
  fi
}

report_kept() {  # TEXT
  log_info_once "         kept $*"
}

log_info_once() {  # TEXT
  case $LOGGED in *"|$1|"*) return 0 ;; esac
  LOGGED+="|$1|"
  log_info "$1"
}
