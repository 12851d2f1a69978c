# A link that was changed since then is not ours.
symlink_remove() {
  ! symlink_is_done || rm -f "${arg[path]}"
}
