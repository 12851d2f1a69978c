# name: of the systemd unit; unit: `yes` if the lock has its text in the file with the ID of the step;
# restart_on: steps whose files it reads. The words are a command that checks its configuration.
service_is_done() {
  [ -z "${arg[unit]-}" ] || is_installed_file "/etc/systemd/system/${arg[name]}" || return
  has_stamp && { ! has_systemd || systemctl is-enabled --quiet "${arg[name]}"; } &&
    { ! is_systemd_running || systemctl is-active --quiet "${arg[name]}"; }
}

# In a chroot or an image, systemd is missing or not running: the unit starts at the next boot.
service_apply() {  # [WORD...]
  local name=${arg[name]}
  [ -z "${arg[unit]-}" ] || install_file "/etc/systemd/system/$name" || return
  # Record only a unit that was not enabled before.
  ! has_systemd || systemctl is-enabled --quiet "$name" 2>/dev/null || record units "$name" || return
  [ $# -eq 0 ] || "$@" || step_error "not restarting $name: its configuration is invalid" || return
  ! has_systemd || systemctl enable --quiet "$name" || return
  ! is_systemd_running || { systemctl daemon-reload && systemctl restart "$name"; } || return
  write_stamp
}

# The unit and every configuration file that the service reads.
service_digest() {
  local step
  for step in "${arg[id]}" ${arg[restart_on]-}; do
    [ ! -e "$LOCK/$step" ] || { printf '%s\n' "$step" && cat "$LOCK/$step"; } || return
  done | print_digest
}

has_systemd() { command -v systemctl >/dev/null; }
is_systemd_running() { [ -d /run/systemd/system ]; }
