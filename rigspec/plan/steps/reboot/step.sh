# reason; digest: of the packages and arguments that require the reboot.
reboot_is_done() {
  has_stamp "${arg[id]}" "${arg[digest]}"
}

# Record the boot ID at the time of the request: a different one means that the reboot has happened.
reboot_apply() {
  printf 'a reboot is required: %s\n' "${arg[reason]}" >&2
  mkdir -p "$STATE" && cat /proc/sys/kernel/random/boot_id >"$STATE/.reboot-due.new" &&
    mv -fT "$STATE/.reboot-due.new" "$STATE/reboot-due" && write_stamp "${arg[id]}" "${arg[digest]}"
}
