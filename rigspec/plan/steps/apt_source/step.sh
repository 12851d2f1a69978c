# The words are the lines of the file NAME.list, or `program` prints them for `suites` and `components`.
apt_source_is_done() {  # [WORD...]
  [ -s "/etc/apt/sources.list.d/${arg[name]}.list" ] && has_stamp "$@"
}

apt_source_apply() {  # [WORD...]
  local list=/etc/apt/sources.list.d/${arg[name]}.list
  if [ $# -gt 0 ]; then
    printf '%s\n' "$@" >"$list.rig-new" || return
  else
    # The program asks apt for the other sources.
    rm -f "$list" && apt-get -qq update &&
      sh "$LOCK/${arg[program]}" "${arg[suites]}" "${arg[components]%% *}" "${arg[components]#* }" >"$list.rig-new" || return
  fi
  commit_file "$list" && write_stamp "$@"
}

apt_source_digest() {  # [WORD...]
  [ $# -gt 0 ] || set -- "${arg[suites]} ${arg[components]}"
  printf '%s' "$*" | print_digest
}
