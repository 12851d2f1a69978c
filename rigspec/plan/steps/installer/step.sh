# url, sha256, creates; prefix: the directory that only this installer uses. The words are the
# arguments of the installer.
installer_is_done() {
  [ -e "${arg[creates]}" ] && has_stamp "${arg[id]}" "${arg[sha256]}"
}

installer_apply() {
  local file=$CACHE/${arg[id]}.download prefix=${arg[prefix]-} shared
  mkdir -p "$CACHE" && download_file "${arg[url]}" "${arg[sha256]}" "$file" || return
  shared=$(print_shared_dir)
  if [ -n "$prefix" ]; then
    record_tree "$prefix" && rm -rf "$prefix" && mkdir -p "$(dirname "$prefix")" || return
  else
    record_dir "$shared" && record_contents "${arg[id]}" "$shared" || return
  fi
  bash "$file" "$@" >/dev/null || return
  [ -n "$prefix" ] || record_new_contents "${arg[id]}" "$shared" || return
  rm -f "$file" && write_stamp "${arg[id]}" "${arg[sha256]}"
}

# The directory that an installer without a prefix shares with other software.
print_shared_dir() {
  dirname "$(dirname "${arg[creates]}")"
}
