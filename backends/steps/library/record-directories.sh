# --- directories of the rig alone

record_tree() {  # DIR
  record_dir "$(dirname "$1")" && record trees "$1"
}

remove_tree() {  # DIR
  is_recorded trees "$1" || return 0
  [ ! -e "$1" ] || run_or_print "remove $1" rm -rf "$1" || return
  is_dry_run || rm -rf "$1.rig-old" "$1.rig-gone" || return
  unrecord trees "$1"
}

# Keep the old directory until its replacement is complete. If it is still there, the current one is not.
stash_dir() {  # DIR
  rm -rf "$1.rig-gone" || return
  if [ -e "$1.rig-old" ]; then
    rm -rf "$1"
  elif [ -e "$1" ]; then
    mv -T "$1" "$1.rig-old"
  fi
}

unstash_dir() {  # DIR
  [ -e "$1.rig-old" ] || return 0
  rm -rf "$1" && mv -T "$1.rig-old" "$1" && log_info "         restored the previous $1"
}

# Rename it before deleting it, so that a partly deleted directory is never restored.
drop_stash() {  # DIR
  [ ! -e "$1.rig-old" ] || mv -T "$1.rig-old" "$1.rig-gone" || return
  rm -rf "$1.rig-gone"
}

# --- shared directories

record_contents() {  # ID DIR: record the current contents, which belong to others
  mkdir -p "$2" && archive_contents_lists "$1" "$2" && record shared "$1 $2" || return
  # After an interruption, the earlier record remains valid.
  [ ! -e "$RECORDS/before.$1" ] || [ -e "$RECORDS/contents.$1" ] || return 0
  write_list "before.$1" list_foreign_contents "$1" "$2" && rm -f "$RECORDS/contents.$1"
}

# Rename the lists of another directory, such as that of the previous CUDA version, for the end of an
# uninstall. Until the last of these commands, the lists count for neither directory.
archive_contents_lists() {  # ID DIR
  local folder list count=1
  ! is_recorded shared "$1 $2" || return 0
  folder=$(search_list shared "$1" '$1 == value { print substr($0, length($1) + 2); exit }') || return
  [ -n "$folder" ] || return 0
  while is_in_list shared "$1.$count $folder" '{ split(value, own) } $1 == own[1] && $0 != value'; do count=$((count + 1)); done
  record shared "$1.$count $folder" || return
  for list in contents before; do
    [ ! -e "$RECORDS/$list.$1" ] || mv -fT "$RECORDS/$list.$1" "$RECORDS/$list.$1.$count" || return
  done
  unrecord shared "$1 $folder"
}

find_in_dir() {  # DIR [EXPRESSION...]: also if DIR is a symbolic link
  local folder
  folder=$(realpath -e "$1") && find "$folder" -mindepth 1 "${@:2}"
}

list_files() {  # DIR: all but directories, with size and time
  find_in_dir "$1" ! -type d -printf '%s\t%T@\t%P\n'
}

# List all files except unmodified ones of the rig, and the directories of the first run: later ones are
# removed once they are empty.
list_foreign_contents() {  # ID DIR
  local contents=$RECORDS/contents.$1 before=$RECORDS/before.$1
  [ -e "$contents" ] || contents=/dev/null
  list_files "$2" | select_lines out "$contents" | cut -f 3- || return
  find_in_dir "$2" -type d -printf '%P\n' | if [ -e "$before" ]; then select_lines in "$before"; else cat; fi
}

# Back up the files of others that the archive will replace. From then on, the backup is recorded as theirs.
# Skip directories, and links to a directory that are one in the archive. Where a link leads out of the
# directory, OUTSIDE gets the files, which `record_new_contents` records as any other file of the rig.
back_up_members() {  # ID DIR STRIP ARCHIVE
  local id=$1 folder member path
  folder=$(realpath -e "$2") || return
  write_list members tar --list --show-transformed-names --quoting-style=literal --strip-components="$3" --file "$4" || return
  OUTSIDE=()
  while IFS= read -r member <&5; do
    path=$folder/$member
    [ "$member" = "${member%/}" ] && { [ ! -d "$path" ] || [ -L "$path" ]; } || continue
    path=$(realpath -m "${path%/*}")/${path##*/}
    member=${path#"$folder"/}
    if [ "$member" = "$path" ]; then
      OUTSIDE+=("$path")
      ! path_exists "$path" || is_recorded_file "$path" || back_up_file "$path" || return
    elif path_exists "$path" && is_recorded "before.$id" "$member"; then
      back_up_file "$path" && NEW=${BACKUP#"$folder"/} write_list "before.$id" \
        search_list "before.$id" "$member" '$0 == value { $0 = ENVIRON["NEW"] } !seen[$0]++' || return
    fi
  done 5<"$RECORDS/members" || return
  rm -f "$RECORDS/members"
}

record_new_contents() {  # ID DIR: record the files added since
  local path digest
  for path in ${OUTSIDE[@]+"${OUTSIDE[@]}"}; do
    [ -L "$path" ] || { digest=$(print_digest "$path") && record files "$digest  $path"; } || return
  done
  write_list "contents.$1" list_new_contents "$@"
}

list_new_contents() {  # ID DIR
  list_files "$2" | select_lines out "$RECORDS/before.$1" 3
}

restore_contents() {  # ID DIR
  local folder contents="$RECORDS/contents.$1" before="$RECORDS/before.$1" size time path
  is_recorded shared "$1 $2" && [ -e "$before" ] && [ -d "$2" ] || return 0
  folder=$(realpath -e "$2") || return
  # The step was interrupted: every file added since is the rig's.
  [ -e "$contents" ] || is_dry_run || record_new_contents "$1" "$folder" || return
  [ ! -e "$contents" ] || log_info_once "         $(! is_dry_run || echo 'would ')remove $(wc -l <"$contents") files below $folder"
  ! is_dry_run || return 0
  while IFS=$'\t' read -r size time path <&5; do
    if [ "$(find "$folder/$path" -maxdepth 0 -printf '%s\t%T@' 2>/dev/null)" = "$size	$time" ]; then
      rm -f "$folder/$path" || return
    fi
    if path_exists "$folder/$path"; then
      report_kept "$folder/$path: modified since it was installed"
    else
      restore_backup "$folder/$path" || return
    fi
  done 5<"$contents" || return
  find_in_dir "$folder" -depth -type d -printf '%P\n' | select_lines out "$before" |
    while IFS= read -r path; do rmdir "$folder/$path" 2>/dev/null || true; done || return
  rm -f "$contents" "$before" && unrecord shared "$1 $2"
}
