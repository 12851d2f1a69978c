# --- the files of the lock, next to the installer

lock_files() {  # DIGEST NAME...: the digest is that of the checksums of all files
  local file
  for file in "${@:2}"; do
    [ -f "$SOURCE/$file" ] || fail "missing file $SOURCE/$file: copy $NAME together with its files/ directory"
  done
  [ "$(cd "$SOURCE" && sha256sum -- "${@:2}" | print_digest)" = "$1" ] ||
    fail "the files in $SOURCE do not belong to this installer: copy $NAME and its files/ directory again"
  [ "$LOCK" != "$SOURCE" ] || return 0
  for file in "${@:2}"; do
    cmp -s "$SOURCE/$file" "$LOCK/$file" ||
      { install -m 0644 "$SOURCE/$file" "$LOCK/$file.rig-new" && mv -fT "$LOCK/$file.rig-new" "$LOCK/$file"; }
  done
}

# Install them for the steps. If nothing is installed, the steps read them where they are.
provide_lock_files() {  # ACTION
  SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/files
  if [ "$1" = install_rig ] && ! is_dry_run; then
    mkdir -p "$LOCK"
  else
    LOCK=$SOURCE
  fi
  list_lock_files
}
