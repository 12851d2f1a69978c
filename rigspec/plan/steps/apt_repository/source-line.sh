# The source line for this machine; only a comment if the repository is already configured.
print_source_line() {
  local components
  read -r -a components <<<"${arg[components]-}"
  sh "$LOCK/apt-source-line.sh" "/etc/apt/sources.list.d/${arg[name]}.list" "/etc/apt/keyrings/${arg[name]}.gpg" \
    "${arg[fingerprint]}" "${arg[url]}" "${arg[suite]}" ${components[@]+"${components[@]}"}
}
