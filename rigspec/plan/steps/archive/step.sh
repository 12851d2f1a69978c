# url, sha256, to, strip, creates; exclusive: `yes` if only this archive uses the directory.
archive_is_done() {
  [ -e "${arg[creates]}" ] && has_stamp
}

archive_apply() {
  local file=$CACHE/${arg[id]}.download to=${arg[to]}
  mkdir -p "$CACHE" && download_file "${arg[url]}" "${arg[sha256]}" "$file" || return
  if [ -n "${arg[exclusive]-}" ]; then
    record_tree "$to" && rm -rf "$to" && mkdir -p "$to" || return
  else
    record_dir "$to" && mkdir -p "$to" && record_contents "${arg[id]}" "$to" &&
      back_up_members "${arg[id]}" "$to" "${arg[strip]}" "$file" || return
  fi
  # CUDA's include is a symbolic link to a directory; keep it.
  tar --extract --no-same-owner --keep-directory-symlink --strip-components="${arg[strip]}" --directory "$to" --file "$file" || return
  [ -n "${arg[exclusive]-}" ] || record_new_contents "${arg[id]}" "$to" || return
  rm -f "$file" && write_stamp
}

archive_digest() {
  printf '%s' "${arg[sha256]}"
}
