archive_remove() {
  if [ -n "${arg[exclusive]-}" ]; then
    remove_tree "${arg[to]}"
  else
    restore_contents "${arg[id]}" "${arg[to]}"
  fi
}
