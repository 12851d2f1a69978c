service_remove() {
  local name=${arg[name]}
  if is_recorded units "$name" && has_systemd; then
    ! is_systemd_running || run_or_print "stop $name" systemctl stop "$name"
    run_or_print "disable $name" systemctl disable --quiet "$name"
    unrecord units "$name"
  fi
  restore_file "/etc/systemd/system/$name"
  is_dry_run || ! is_systemd_running || systemctl daemon-reload
}

# After the removal of a file that the service reads. A unit that was enabled before the installation keeps
# running, without the rig's configuration.
service_restart() {  # [WORD...]
  local name=${arg[name]}
  [ $# -eq 0 ] || "$@" || { report_kept "$name: not restarted, its configuration is invalid"; return; }
  ! is_recorded units "$name" && is_systemd_running && systemctl is-active --quiet "$name" || return 0
  run_or_print "restart $name" systemctl try-restart "$name"
}
