# The words are the arguments. GRUB sources its settings as shell, so they are quoted as one word.
kernel_arguments_is_done() {
  print_grub_setting "$@" | cmp -s - /etc/default/grub.d/rig.cfg && has_stamp "$@"
}

kernel_arguments_apply() {
  local file=/etc/default/grub.d/rig.cfg
  command -v update-grub >/dev/null || step_error 'update-grub not found: kernel arguments can only be set with GRUB' || return
  ensure_parent_dir "$file" && print_grub_setting "$@" >"$file.rig-new" && commit_file "$file" && update-grub && write_stamp "$@"
}

kernel_arguments_digest() {  # ARGUMENT...
  printf '%s' "$*" | print_digest
}

print_grub_setting() {  # ARGUMENT...
  local quoted
  quoted=$(printf '%s' "$*" | sed "s/'/'\"'\"'/g")
  printf 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX "'"'%s'\n" "$quoted"
}
