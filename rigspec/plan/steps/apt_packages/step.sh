# packages: the file with the pinned packages. The words are the packages without a version and, after `--`, the
# names to hold.
apt_packages_is_done() {  # [WORD...]
  local name
  words_before "$@"
  for name in ${WORDS[@]+"${WORDS[@]}"}; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q ' ok installed$' || return
  done
  [ -z "${arg[packages]-}" ] ||
    { has_stamp && sh "$LOCK/check-packages.sh" installed "$LOCK/${arg[packages]}" >/dev/null; }
}

apt_packages_apply() {  # [WORD...]
  refresh_packages && check_package_index && install_step_packages "$@" && hold_packages "$@" &&
    { [ -z "${arg[packages]-}" ] || write_stamp; }
}

apt_packages_digest() {
  print_digest "$LOCK/${arg[packages]}"
}

# apt checks every download against the signed index; this checks the index against the lock.
check_package_index() {
  [ -z "${arg[checksums]-}" ] || sh "$LOCK/check-packages.sh" archive "$LOCK/${arg[packages]}" >&2
}

install_step_packages() {  # [WORD...]
  local options=()
  words_before "$@"
  [ -z "${arg[checksums]-}" ] || options+=(--allow-downgrades)
  [ "$*" = "${WORDS[*]-}" ] || options+=(--allow-change-held-packages)
  add_pins && install_packages "${arg[id]}" ${options[@]+"${options[@]}"} "${WORDS[@]}"
}

add_pins() {  # append the pinned packages to WORDS
  local pin
  [ -z "${arg[packages]-}" ] || while read -r pin _; do WORDS+=("$pin"); done <"$LOCK/${arg[packages]}"
}

hold_packages() {  # [WORD...]
  words_after "$@"
  [ "${#WORDS[@]}" -eq 0 ] || { record_holds "${WORDS[@]}" && apt-mark hold "${WORDS[@]}" >/dev/null; }
}
