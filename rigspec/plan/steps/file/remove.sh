file_remove() {
  local id
  restore_file "${arg[path]}" || return
  for id in ${arg[dependents]-}; do run_on_step "$id" restart || return; done
}
