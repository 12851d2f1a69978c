apt_packages_remove() {  # [WORD...]
  local names
  words_before "$@"
  add_pins || return
  names=("${WORDS[@]%%=*}")
  words_after "$@"
  release_holds ${WORDS[@]+"${WORDS[@]}"} && purge_packages "${arg[id]}" "${names[@]}"
}
