# reason; digest: of the packages and arguments that require the reboot.
reboot_is_done() {
  has_stamp
}

# A boot ID other than the recorded one means that the reboot has happened.
reboot_apply() {
  echo "a reboot is required: ${arg[reason]}" >&2
  write_state reboot-due cat /proc/sys/kernel/random/boot_id && write_stamp
}

reboot_digest() {
  printf '%s' "${arg[digest]}"
}
