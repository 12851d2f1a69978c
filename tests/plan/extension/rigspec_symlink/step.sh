# path, target
symlink_is_done() {
  [ "$(readlink "${arg[path]}")" = "${arg[target]}" ]
}

symlink_apply() {
  ensure_parent_dir "${arg[path]}" && ln -sfT "${arg[target]}" "${arg[path]}"
}
