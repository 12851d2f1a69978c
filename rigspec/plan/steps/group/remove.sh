group_remove() {
  local name=${arg[name]}
  is_recorded groups "$name" || return 0
  ! getent group "$name" >/dev/null || run_or_print "remove group $name" groupdel "$name"
  unrecord groups "$name"
}
