# url, sha256, creates; prefix: the directory that only this installer uses. The words are the arguments of the
# installer.
installer_is_done() {
  [ -e "${arg[creates]}" ] && has_stamp
}

installer_apply() {  # ARGUMENT...
  local file=$CACHE/${arg[id]}.download prefix=${arg[prefix]-} shared
  shared=$(print_shared_dir)
  mkdir -p "$CACHE" && download_file "${arg[url]}" "${arg[sha256]}" "$file" || return
  if [ -n "$prefix" ]; then
    record_tree "$prefix" && rm -rf "$prefix" && mkdir -p "$(dirname "$prefix")" || return
  else
    record_dir "$shared" && record_contents "${arg[id]}" "$shared" || return
  fi
  bash "$file" "$@" >/dev/null || return
  [ -n "$prefix" ] || record_new_contents "${arg[id]}" "$shared" || return
  rm -f "$file" && write_stamp
}

installer_digest() {
  printf '%s' "${arg[sha256]}"
}

print_shared_dir() {  # which an installer without a prefix shares with other software
  dirname "$(dirname "${arg[creates]}")"
}
