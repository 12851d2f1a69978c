# python, tools, sources; build_variables, index and extra_indexes may be missing.
# The words are the command that creates an environment; the path is appended.
package_build_is_done() {
  # The environment may have been created again since.
  has_stamp && "${arg[python]}" "$LOCK/verify_packages.py" "$LOCK/${arg[sources]}" >/dev/null 2>&1
}

package_build_apply() {
  local folder=$CACHE/${arg[id]}
  rm -rf "$folder" && mkdir -p "$folder" || return
  build_packages "$folder" "$@" || { rm -rf "$folder"; return 1; }
  rm -rf "$folder" && write_stamp
}

build_packages() {  # DIR COMMAND...
  local env=$1/env wheels=$1/wheels
  "${@:2}" "$env" >/dev/null &&
    build_pip "$env" install --only-binary :all: --upgrade --force-reinstall --no-deps -r "$LOCK/${arg[tools]}" &&
    build_pip "$env" wheel --no-build-isolation --no-deps --wheel-dir "$wheels" -r "$LOCK/${arg[sources]}" || return
  # The wheels are of this machine: there is no checksum of them.
  "${arg[python]}" -m pip --disable-pip-version-check --no-cache-dir install --quiet --no-index --no-deps \
    --force-reinstall "$wheels"/*.whl
}

build_pip() {  # ENVIRONMENT COMMAND OPTION...
  local bin=$1/bin command=$2 index
  shift 2
  for index in ${arg[extra_indexes]-}; do set -- --extra-index-url "$index" "$@"; done
  [ -z "${arg[index]-}" ] || set -- --index-url "${arg[index]}" "$@"
  # Builds run programs of their tools, such as meson and ninja.
  # shellcheck disable=SC2086  # several words
  env PATH="$bin:$PATH" ${arg[build_variables]-} "$bin/python" -m pip --disable-pip-version-check --no-cache-dir \
    "$command" --quiet --require-hashes "$@"
}

package_build_digest() {
  print_digest "$LOCK/${arg[tools]}" "$LOCK/${arg[sources]}"
}
