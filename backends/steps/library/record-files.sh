# --- files and directories

record_dir() {
  local path=$1
  while [ ! -e "$path" ]; do
    record folders "$path" || return
    path=$(dirname "$path")
  done
}

print_sha256() {
  local sum
  sum=$(sha256sum <"$1") && printf '%s' "${sum%% *}"
}

path_exists() {
  [ -e "$1" ] || [ -L "$1" ]
}

is_same_file() {
  if [ -L "$1" ] || [ -L "$2" ]; then
    [ -L "$1" ] && [ -L "$2" ] && [ "$(readlink "$1")" = "$(readlink "$2")" ]
  else
    cmp -s "$1" "$2"
  fi
}

# A file with a secret is recorded by size and time: a digest would let passwords be guessed.
print_stat_mark() {
  local mark
  mark=$(stat -c '%s bytes, changed %.9Y' "$1") && printf '%-64s' "$mark"
}

is_recorded_file() {  # PATH: succeed if the current content is the recorded one
  local sum
  [ -f "$1" ] && [ ! -L "$1" ] && sum=$(print_sha256 "$1") && { is_recorded files "$sum  $1" || is_recorded files "$(print_stat_mark "$1")  $1"; }
}

# record_file PATH [secret]: PATH.rig-new is about to replace PATH. Back up a file of another origin;
# do not record an identical file that already exists.
record_file() {
  local digest
  if path_exists "$1" && ! is_recorded_file "$1"; then
    [ -L "$1" ] || ! cmp -s "$1" "$1.rig-new" || return 0
    back_up_file "$1" || return
  fi
  if [ $# -gt 1 ]; then
    write_list files print_files_with_mark "$1"
  else
    digest=$(print_sha256 "$1.rig-new") && record files "$digest  $1"
  fi
}

print_files_with_mark() {  # PATH: without the digests that older versions recorded for it
  {
    read_list files | OTHER=$1 awk 'substr($0, 67) != ENVIRON["OTHER"] || index($0, " ") < 65' &&
      { ! is_recorded_file "$1" || { print_stat_mark "$1" && printf '  %s\n' "$1"; }; } &&
      print_stat_mark "$1.rig-new" && printf '  %s\n' "$1"
  } | awk '!seen[$0]++'
}

list_recorded_paths() {  # of files
  read_list files | cut -c 67-
}

was_recorded_file() {  # PATH
  [ -e "$RECORDS/files" ] && LINE=$1 awk 'substr($0, 67) == ENVIRON["LINE"] { found = 1 } END { exit !found }' "$RECORDS/files"
}

print_files_without() {
  read_list files | OTHER=$1 awk 'substr($0, 67) != ENVIRON["OTHER"]'
}

# back_up_file PATH: write and record a copy before the file is replaced. BACKUP is set to its name.
back_up_file() {
  local count=0
  BACKUP=$1.before-rig
  while path_exists "$BACKUP" && ! is_same_file "$1" "$BACKUP"; do
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
  read_list before | OF=$1 awk -F '\t' '$2 == ENVIRON["OF"] { print $3 }'
}

restore_backup() {  # PATH
  local back
  back=$(print_backup_path "$1") || return
  [ -n "$back" ] || return 0
  ! path_exists "$back" || run_or_print "restore $back" mv -fT "$back" "$1" || return
  unrecord before "	$1	$back"
}

restore_file() {
  [ "$DRY_RUN" = yes ] || rm -f "$1.rig-new" "$1.rig-kept" || return
  if path_exists "$1"; then
    was_recorded_file "$1" || return 0
    if ! is_recorded_file "$1"; then
      report_kept "$1: modified since it was installed"
      return 0
    fi
    run_or_print "remove $1" rm -f "$1" || return
  fi
  restore_backup "$1" || return
  [ "$DRY_RUN" = yes ] || ! was_recorded_file "$1" || write_list files print_files_without "$1"
}

# --- directories that belong to the rig alone

record_tree() {
  record_dir "$(dirname "$1")" && record trees "$1"
}

remove_tree() {
  if is_recorded trees "$1"; then
    [ ! -e "$1" ] || run_or_print "remove $1" rm -rf "$1" || return
    [ "$DRY_RUN" = yes ] || rm -rf "$1.rig-old" "$1.rig-gone" || return
    unrecord trees "$1"
  fi
}

# Keep the old directory until its replacement is complete. After an interruption, the old one is
# still in the stash, and the current one is incomplete.
stash_dir() {
  rm -rf "$1.rig-gone" || return
  if [ -e "$1.rig-old" ]; then
    rm -rf "$1"
  elif [ -e "$1" ]; then
    mv -T "$1" "$1.rig-old"
  fi
}

unstash_dir() {
  [ -e "$1.rig-old" ] || return 0
  rm -rf "$1" && mv -T "$1.rig-old" "$1" && log_info "         restored the previous $1"
}

# Rename the stash before deleting it, so that a partly deleted stash is never restored.
drop_stash() {
  [ ! -e "$1.rig-old" ] || mv -T "$1.rig-old" "$1.rig-gone" || return
  rm -rf "$1.rig-gone"
}
