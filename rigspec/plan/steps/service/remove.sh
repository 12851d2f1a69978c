service_remove() {
  remove_unit "${arg[name]}"
}

# After the removal of a file that the service reads.
service_restart() {  # [WORD...]
  if [ $# -eq 0 ] || "$@"; then
    restart_unit "${arg[name]}"
  else
    report_kept "${arg[name]}: not restarted, its configuration is invalid"
  fi
}
