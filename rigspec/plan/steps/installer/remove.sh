installer_remove() {
  if [ -n "${arg[prefix]-}" ]; then
    remove_tree "${arg[prefix]}"
  else
    restore_contents "${arg[id]}" "$(print_shared_dir)"
  fi
}
