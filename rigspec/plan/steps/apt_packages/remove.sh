apt_packages_remove() {
  local pin names
  words_before "$@"
  names=(${WORDS[@]+"${WORDS[@]}"})
  if [ -n "${arg[packages]-}" ]; then
    while read -r pin _; do names+=("${pin%%=*}"); done <"$LOCK/${arg[packages]}" || return
  fi
  words_after "$@"
  release_holds ${WORDS[@]+"${WORDS[@]}"} && purge_packages "${arg[id]}" "${names[@]}"
}
