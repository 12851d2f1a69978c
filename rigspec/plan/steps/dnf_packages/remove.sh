dnf_packages_remove() {  # [NAME...]
  local pin names=("$@")
  if [ -n "${arg[packages]-}" ]; then
    while read -r pin _; do
      pin=${pin%-*-*}
      names+=("$pin")
    done <"$LOCK/${arg[packages]}" || return
  fi
  purge_packages "${arg[id]}" "${names[@]}"
}
