# --- the files of the lock, in the installer itself

embedded_file() {  # NAME SHA256 BASE64
  local file=$LOCK/$1
  base64 --decode <<<"$3" >"$file.rig-new"
  [ "$(print_digest "$file.rig-new")" = "$2" ] || fail "embedded file $1 is corrupt; download $NAME again"
  chmod 0644 "$file.rig-new"
  mv -fT "$file.rig-new" "$file"
}

# Install them for the steps. If nothing is installed, the steps read them in a temporary directory.
provide_lock_files() {  # ACTION
  if [ "$1" = install_rig ] && ! is_dry_run; then
    mkdir -p "$LOCK"
  else
    LOCK=$(mktemp -d)
    trap 'rm -rf "$LOCK"' EXIT
  fi
  list_lock_files
}
