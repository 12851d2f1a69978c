# packages: the file with the pinned packages; checksums, modules: `yes` or missing. The words are the
# packages without a version and, after `--`, the names to hold.
apt_packages_is_done() {
  local name
  words_before "$@"
  for name in ${WORDS[@]+"${WORDS[@]}"}; do
    is_package_installed "$name" || return
  done
  [ -z "${arg[packages]-}" ] || {
    has_stamp "${arg[id]}" "$(print_digest "$LOCK/${arg[packages]}")" &&
      sh "$LOCK/check-packages.sh" installed "$LOCK/${arg[packages]}" >/dev/null
  }
}

apt_packages_apply() {
  refresh_packages && check_package_index && install_step_packages "$@" && hold_packages "$@" && stamp_packages
}

# apt checks every download against the signed index; this checks the index against the lock.
check_package_index() {
  [ -z "${arg[checksums]-}" ] || sh "$LOCK/check-packages.sh" archive "$LOCK/${arg[packages]}" >&2
}

install_step_packages() {  # [WORD...]
  local pin options=()
  words_before "$@"
  [ -z "${arg[checksums]-}" ] || options+=(--allow-downgrades)
  [ "$*" = "${WORDS[*]-}" ] || options+=(--allow-change-held-packages)
  if [ -n "${arg[packages]-}" ]; then
    while read -r pin _; do WORDS+=("$pin"); done <"$LOCK/${arg[packages]}" || return
  fi
  install_packages "${arg[id]}" ${options[@]+"${options[@]}"} "${WORDS[@]}"
}

hold_packages() {  # [WORD...]
  words_after "$@"
  [ "${#WORDS[@]}" -eq 0 ] || { record_holds "${WORDS[@]}" && apt-mark hold "${WORDS[@]}" >/dev/null; }
}

stamp_packages() {
  [ -z "${arg[packages]-}" ] || write_stamp "${arg[id]}" "$(print_digest "$LOCK/${arg[packages]}")"
}

is_package_installed() {  # NAME
  # shellcheck disable=SC2016 # dpkg-query fills this in
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q ' ok installed$'
}
