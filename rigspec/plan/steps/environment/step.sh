# path, tools, requirements; sources, explicit, bootstrap, index, extra_indexes and python may be missing.
# The words are the command that creates the environment; the path is appended.
environment_is_done() {
  [ -x "$(print_environment_python)" ] && has_stamp "${arg[id]}" "$(print_environment_digest)"
}

environment_apply() {
  record_tree "${arg[path]}" && stash_dir "${arg[path]}" || return
  create_environment "$@" || { unstash_dir "${arg[path]}"; return 1; }
  drop_stash "${arg[path]}" && write_stamp "${arg[id]}" "$(print_environment_digest)"
}

create_environment() {  # COMMAND...
  local python
  python=$(print_environment_python)
  mkdir -p "$(dirname "${arg[path]}")" || return
  [ -z "${arg[bootstrap]-}" ] || pip_install "${arg[bootstrap]}" --only-binary :all: --upgrade -r "$LOCK/${arg[tools]}" || return
  "$@" "${arg[path]}" >/dev/null || return
  # Reinstall pip even if the version matches: Debian splits pip up, and its version cannot build packages.
  pip_install "$python" --only-binary :all: --upgrade --force-reinstall -r "$LOCK/${arg[tools]}" &&
    pip_install "$python" --only-binary :all: --no-deps -r "$LOCK/${arg[requirements]}" || return
  # Build with the locked packages above: in isolation, pip would download build requirements without hashes.
  # The setup scripts of CUDA extensions would replace the build by a download without a checksum.
  local -x {FLASH_ATTENTION,CAUSAL_CONV1D,MAMBA,NVTE_PYTORCH}_FORCE_BUILD=TRUE
  [ -z "${arg[sources]-}" ] || pip_install "$python" --no-build-isolation --no-deps -r "$LOCK/${arg[sources]}"
}

pip_install() {  # PYTHON OPTION...
  local python=$1 index
  shift
  for index in ${arg[extra_indexes]-}; do set -- --extra-index-url "$index" "$@"; done
  [ -z "${arg[index]-}" ] || set -- --index-url "${arg[index]}" "$@"
  "$python" -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes "$@"
}

print_environment_python() {
  printf '%s' "${arg[python]-${arg[path]}/bin/python}"
}

print_environment_digest() {
  local name files=()
  for name in "${arg[explicit]-}" "${arg[tools]}" "${arg[requirements]}" "${arg[sources]-}"; do
    [ -z "$name" ] || files+=("$LOCK/$name")
  done
  print_digest "${files[@]}"
}
