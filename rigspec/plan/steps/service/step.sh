# name: of the systemd unit; unit: `yes` if the lock has its text in the file with the ID of the step;
# restart_on: steps whose files it reads. The words are a command that checks its configuration.
service_is_done() {
  [ -z "${arg[unit]-}" ] || is_installed_file "$LOCK/${arg[id]}" "/etc/systemd/system/${arg[name]}" 0644 root:root || return
  has_stamp "${arg[id]}" "$(print_service_digest)" &&
    { ! command -v systemctl >/dev/null || systemctl is-enabled --quiet "${arg[name]}"; } &&
    { [ ! -d /run/systemd/system ] || systemctl is-active --quiet "${arg[name]}"; }
}

service_apply() {
  [ -z "${arg[unit]-}" ] || install_file "$LOCK/${arg[id]}" "/etc/systemd/system/${arg[name]}" 0644 root:root || return
  record_unit "${arg[name]}" && service_start "$@"
}

# In a chroot or an image, systemd is missing or not running: the unit starts at the next boot.
service_start() {  # [WORD...]
  [ $# -eq 0 ] || "$@" || {
    printf 'not restarting %s: its configuration is invalid\n' "${arg[name]}" >&2
    return 1
  }
  { ! command -v systemctl >/dev/null || systemctl enable --quiet "${arg[name]}"; } &&
    { [ ! -d /run/systemd/system ] || { systemctl daemon-reload && systemctl restart "${arg[name]}"; }; } &&
    write_stamp "${arg[id]}" "$(print_service_digest)"
}

# The stamp covers the unit and every configuration file that the service reads.
print_service_digest() {
  local step
  for step in "${arg[id]}" ${arg[restart_on]-}; do
    [ ! -e "$LOCK/$step" ] || { printf '%s\n' "$step" && cat "$LOCK/$step"; } || return
  done | print_digest
}
