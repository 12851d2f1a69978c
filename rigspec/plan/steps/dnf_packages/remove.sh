dnf_packages_remove() {  # [WORD...]
  local name pin line names=()
  words_before "$@"
  for name in ${WORDS[@]+"${WORDS[@]}"}; do
    # A word may have a version.
    name=$(rpm -q --qf '%{NAME}\n' "$name" 2>/dev/null | head -n 1 | grep . || printf '%s' "$name")
    names+=("$name")
  done
  if [ -n "${arg[packages]-}" ]; then
    while read -r pin _; do
      pin=${pin%-*-*}
      names+=("$pin")
    done <"$LOCK/${arg[packages]}" || return
  fi
  words_after "$@"
  for name in ${WORDS[@]+"${WORDS[@]}"}; do
    for line in $(list_holds "$name"); do
      is_recorded rpm-holds "$line" || continue
      run_or_print "release $name" release_rpms "$line" && unrecord rpm-holds "$line" || return
    done
  done
  purge_packages "${arg[id]}" ${names[@]+"${names[@]}"}
}
