# --- files that the rig adds to shared directories

# record_contents ID DIR: record the current contents, which belong to others.
record_contents() {
  mkdir -p "$2" && archive_contents_lists "$1" "$2" && record shared "$1 $2" || return
  # After an interruption, the earlier record remains valid.
  [ ! -e "$RECORDS/before.$1" ] || [ -e "$RECORDS/contents.$1" ] || return 0
  write_list "before.$1" list_foreign_contents "$1" "$2" && rm -f "$RECORDS/contents.$1"
}

# The lists of another directory, such as that of the previous CUDA version, do not apply to this
# one. Rename them, to be processed at the end of an uninstall. Until the last of these commands, the
# lists count for neither directory.
archive_contents_lists() {  # ID DIR
  local folder count=1
  ! is_recorded shared "$1 $2" || return 0
  folder=$(read_list shared | ID=$1 awk '$1 == ENVIRON["ID"] { print substr($0, length($1) + 2); exit }') || return
  [ -n "$folder" ] || return 0
  while read_list shared | LINE="$1.$count $folder" ID=$1.$count awk '$1 == ENVIRON["ID"] && $0 != ENVIRON["LINE"] { taken = 1 } END { exit !taken }'; do
    count=$((count + 1))
  done
  record shared "$1.$count $folder" || return
  [ ! -e "$RECORDS/contents.$1" ] || mv -fT "$RECORDS/contents.$1" "$RECORDS/contents.$1.$count" || return
  [ ! -e "$RECORDS/before.$1" ] || mv -fT "$RECORDS/before.$1" "$RECORDS/before.$1.$count" || return
  unrecord shared "$1 $folder"
}

# Follow a symbolic link to a directory.
find_in_dir() {  # DIR...
  local folder
  folder=$(realpath -e "$1") || return
  shift
  find "$folder" -mindepth 1 "$@"
}

# List all files except unmodified ones from the rig. Of the directories, list only those of the first
# run: later ones are removed once they are empty.
list_foreign_contents() {  # ID DIR
  local contents=$RECORDS/contents.$1 before=$RECORDS/before.$1
  [ -e "$contents" ] || contents=/dev/null
  find_in_dir "$2" ! -type d -printf '%s\t%T@\t%P\n' | lines_not_in "$contents" | cut -f 3- || return
  if [ -e "$before" ]; then
    find_in_dir "$2" -type d -printf '%P\n' | lines_in "$before"
  else
    find_in_dir "$2" -type d -printf '%P\n'
  fi
}

# back_up_members ID DIR STRIP ARCHIVE: back up the files of others that the archive will replace. From
# then on, the backup is recorded as theirs.
back_up_members() {
  local id=$1 folder member path
  folder=$(realpath -e "$2") || return
  write_list members tar --list --show-transformed-names --quoting-style=literal --strip-components="$3" --file "$4" || return
  while IFS= read -r member <&5; do
    path=$folder/${member%/}
    path_exists "$path" || continue
    # Skip directories, and links to a directory that are a directory in the archive.
    [ ! -d "$path" ] || { [ -L "$path" ] && [ "$member" = "${member%/}" ]; } || continue
    path=$(realpath -e "${path%/*}")/${path##*/} || return
    if [ "${path#"$folder"/}" = "$path" ]; then
      # A link leads out of the directory: its target is in no list.
      [ -n "$(print_backup_path "$path")" ] || back_up_file "$path" || return
    elif is_recorded "before.$id" "${path#"$folder"/}"; then
      back_up_file "$path" && write_list "before.$id" print_list_replacing "before.$id" "${path#"$folder"/}" "${BACKUP#"$folder"/}" || return
    fi
  done 5<"$RECORDS/members" || return
  rm -f "$RECORDS/members"
}

print_list_replacing() {  # LIST OLD NEW: print the list with one line replaced
  read_list "$1" | WAS=$2 IS=$3 awk '$0 == ENVIRON["WAS"] { $0 = ENVIRON["IS"] } !seen[$0]++'
}

record_new_contents() {  # ID DIR: record the files added since, with size and time
  write_list "contents.$1" list_new_contents "$1" "$2"
}

list_new_contents() {
  find_in_dir "$2" ! -type d -printf '%s\t%T@\t%P\n' | lines_not_in "$RECORDS/before.$1" 3
}

restore_contents() {  # ID DIR
  local folder contents="$RECORDS/contents.$1" before="$RECORDS/before.$1" size time path
  is_recorded shared "$1 $2" && [ -e "$before" ] && [ -d "$2" ] || return 0
  folder=$(realpath -e "$2") || return
  # The step was interrupted: every file added since is the rig's.
  [ -e "$contents" ] || [ "$DRY_RUN" = yes ] || record_new_contents "$1" "$folder" || return
  [ ! -e "$contents" ] || log_info_once "         $([ "$DRY_RUN" = no ] || echo 'would ')remove $(wc -l <"$contents") files below $folder"
  [ "$DRY_RUN" = no ] || return 0
  while IFS=$'\t' read -r size time path <&5; do
    if [ "$(find "$folder/$path" -maxdepth 0 -printf '%s\t%T@' 2>/dev/null)" = "$size	$time" ]; then
      rm -f "$folder/$path" || return
    fi
    if ! path_exists "$folder/$path"; then
      restore_backup "$folder/$path" || return
    else
      report_kept "$folder/$path: modified since it was installed"
    fi
  done 5<"$contents" || return
  find_in_dir "$folder" -depth -type d -printf '%P\n' | lines_not_in "$before" |
    while IFS= read -r path; do rmdir "$folder/$path" 2>/dev/null || true; done || return
  rm -f "$contents" "$before" && unrecord shared "$1 $2"
}
