# url, sha256, to, strip, creates; exclusive: `yes` if only this archive uses the directory.
archive_is_done() {
  [ -e "${arg[creates]}" ] && has_stamp "${arg[id]}" "${arg[sha256]}"
}

archive_apply() {
  local file=$CACHE/${arg[id]}.download to=${arg[to]}
  if [ -n "${arg[exclusive]-}" ]; then
    record_tree "$to" && rm -rf "$to" || return
  else
    record_dir "$to" || return
  fi
  mkdir -p "$CACHE" "$to" && download_file "${arg[url]}" "${arg[sha256]}" "$file" || return
  [ -n "${arg[exclusive]-}" ] ||
    { record_contents "${arg[id]}" "$to" && back_up_members "${arg[id]}" "$to" "${arg[strip]}" "$file"; } || return
  # CUDA's include and lib64 are symbolic links to directories; keep them.
  tar --extract --no-same-owner --keep-directory-symlink --strip-components="${arg[strip]}" --directory "$to" --file "$file" || return
  [ -n "${arg[exclusive]-}" ] || record_new_contents "${arg[id]}" "$to" || return
  rm -f "$file" && write_stamp "${arg[id]}" "${arg[sha256]}"
}
