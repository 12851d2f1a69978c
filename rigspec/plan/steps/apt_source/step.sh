# The words are the lines of the file NAME.list, or `program` prints them for `suites` and `components`.
apt_source_is_done() {
  [ -s "/etc/apt/sources.list.d/${arg[name]}.list" ] && has_stamp "${arg[id]}" "$(print_apt_source_digest "$@")"
}

apt_source_apply() {
  local list=/etc/apt/sources.list.d/${arg[name]}.list
  if [ $# -gt 0 ]; then
    printf '%s\n' "$@" >"$list.rig-new" || return
  else
    # Remove our own entry first, and update: `apt-get indextargets` lists only sources that apt has read.
    rm -f "$list" && apt-get -qq update &&
      sh "$LOCK/${arg[program]}" "${arg[suites]}" "${arg[components]%% *}" "${arg[components]#* }" >"$list.rig-new" || return
  fi
  commit_file "$list" && write_stamp "${arg[id]}" "$(print_apt_source_digest "$@")"
}

print_apt_source_digest() {  # [WORD...]
  if [ $# -gt 0 ]; then
    printf '%s' "$*" | print_digest
  else
    printf '%s' "${arg[suites]} ${arg[components]}" | print_digest
  fi
}
