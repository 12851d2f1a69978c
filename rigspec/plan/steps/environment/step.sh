# path, tools, requirements; sources, build_variables, explicit, bootstrap, index, extra_indexes and python
# may be missing.
# The words are the command that creates the environment; the path is appended.
environment_is_done() {
  [ -x "${arg[python]-${arg[path]}/bin/python}" ] && has_stamp
}

environment_apply() {
  record_tree "${arg[path]}" && stash_dir "${arg[path]}" || return
  create_environment "$@" || { unstash_dir "${arg[path]}"; return 1; }
  drop_stash "${arg[path]}" && write_stamp
}

create_environment() {  # COMMAND...
  local python=${arg[python]-${arg[path]}/bin/python}
  mkdir -p "$(dirname "${arg[path]}")" || return
  [ -z "${arg[bootstrap]-}" ] || pip_install "${arg[bootstrap]}" --only-binary :all: --upgrade -r "$LOCK/${arg[tools]}" || return
  "$@" "${arg[path]}" >/dev/null || return
  # Reinstall pip even if the version matches: that of Debian cannot build.
  pip_install "$python" --only-binary :all: --upgrade --force-reinstall -r "$LOCK/${arg[tools]}" &&
    pip_install "$python" --only-binary :all: --no-deps -r "$LOCK/${arg[requirements]}" || return
  # In isolation, pip would download build requirements without hashes.
  [ -z "${arg[sources]-}" ] || pip_install "$python" --no-build-isolation --no-deps -r "$LOCK/${arg[sources]}"
}

# Builds run programs of the environment, such as meson and ninja.
pip_install() {  # PYTHON OPTION...
  local python=$1 index
  shift
  for index in ${arg[extra_indexes]-}; do set -- --extra-index-url "$index" "$@"; done
  [ -z "${arg[index]-}" ] || set -- --index-url "${arg[index]}" "$@"
  # shellcheck disable=SC2086  # several words
  env PATH="${python%/*}:$PATH" ${arg[build_variables]-} "$python" -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes "$@"
}

environment_digest() {
  local name files=()
  for name in "${arg[explicit]-}" "${arg[tools]}" "${arg[requirements]}" "${arg[sources]-}"; do
    [ -z "$name" ] || files+=("$LOCK/$name")
  done
  print_digest "${files[@]}"
}
