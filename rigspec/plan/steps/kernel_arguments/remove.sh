kernel_arguments_remove() {
  local file=/etc/default/grub.d/rig.cfg
  if was_recorded_file "$file"; then
    is_dry_run || record unfinished update-grub || return
    restore_file "$file" || return
  fi
  if is_dry_run || is_recorded unfinished update-grub; then
    ! command -v update-grub >/dev/null || run_or_print "regenerate the GRUB menu" update-grub || return
    unrecord unfinished update-grub
  fi
}
