# --- records of files
#
# The list has the SHA-256 of a file, in 64 characters, and its path.

record_dir() {  # DIR
  local path=$1
  while [ ! -e "$path" ]; do
    record folders "$path" || return
    path=$(dirname "$path")
  done
}

path_exists() {  # PATH
  [ -e "$1" ] || [ -L "$1" ]
}

# In place of the SHA-256 of a secret, with which a password could be guessed.
print_stat_mark() {  # PATH
  local mark
  mark=$(stat -c '%s bytes, changed %.9Y' "$1") && printf '%-64s' "$mark"
}

was_recorded_file() {  # PATH
  is_in_list files "$1" 'substr($0, 67) == value'
}

is_recorded_file() {  # PATH: succeed if the current content is the recorded one
  local sum
  [ -f "$1" ] && [ ! -L "$1" ] && sum=$(print_digest "$1") &&
    { is_recorded files "$sum  $1" || is_recorded files "$(print_stat_mark "$1")  $1"; }
}

# PATH.rig-new is about to replace PATH. Back up a file of another origin; if it is identical, it stays theirs.
record_file() {  # PATH [secret]
  local digest
  if path_exists "$1" && ! is_recorded_file "$1"; then
    [ -L "$1" ] || ! cmp -s "$1" "$1.rig-new" || return 0
    back_up_file "$1" || return
  fi
  if [ $# -gt 1 ]; then
    write_list files print_files_with_mark "$1"
  else
    digest=$(print_digest "$1.rig-new") && record files "$digest  $1"
  fi
}

print_files_with_mark() {  # PATH: without the digests that older versions recorded for it
  {
    search_list files "$1" 'substr($0, 67) != value || index($0, " ") < 65' &&
      { ! is_recorded_file "$1" || { print_stat_mark "$1" && printf '  %s\n' "$1"; }; } &&
      print_stat_mark "$1.rig-new" && printf '  %s\n' "$1"
  } | awk '!seen[$0]++'
}

back_up_file() {  # PATH: copy it and record the copy, and set BACKUP to the path of the copy
  local count=0
  BACKUP=$1.before-rig
  while path_exists "$BACKUP" && ! diff -q --no-dereference "$1" "$BACKUP" >/dev/null; do
    count=$((count + 1))
    BACKUP=$1.before-rig.$count
  done
  rm -f "$1.rig-kept" || return
  if ! path_exists "$BACKUP"; then
    cp -a "$1" "$1.rig-kept" || { rm -f "$1.rig-kept"; return 1; }
    [ -L "$1" ] || sync "$1.rig-kept" || return
    mv -T "$1.rig-kept" "$BACKUP" || return
  fi
  [ -n "$(print_backup_path "$1")" ] || record before "	$1	$BACKUP" || return
  log_info "         $1 already existed: saved as $BACKUP"
}

print_backup_path() {  # PATH
  search_list before "$1" '{ split($0, field, "\t") } field[2] == value { print field[3] }'
}

restore_backup() {  # PATH
  local back
  back=$(print_backup_path "$1") || return
  [ -n "$back" ] || return 0
  ! path_exists "$back" || run_or_print "restore $back" mv -fT "$back" "$1" || return
  unrecord before "	$1	$back"
}

restore_file() {  # PATH: remove the file of the rig, and restore the one that it replaced
  is_dry_run || rm -f "$1.rig-new" "$1.rig-kept" || return
  if path_exists "$1"; then
    was_recorded_file "$1" || return 0
    if ! is_recorded_file "$1"; then
      report_kept "$1: modified since it was installed"
      return 0
    fi
    run_or_print "remove $1" rm -f "$1" || return
  fi
  restore_backup "$1" || return
  is_dry_run || ! was_recorded_file "$1" || write_list files search_list files "$1" 'substr($0, 67) != value'
}
