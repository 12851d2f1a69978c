# url, sha256, prefix, creates; c_flags: of the compiler; rename: a command of sed for the file renamed_in of the
# source. The words are the arguments of its
# configure script and, after `--`, a command that fails if an optional part is missing.
source_build_is_done() {
  [ -e "${arg[creates]}" ] && has_stamp
}

source_build_apply() {
  local file=$CACHE/${arg[id]}.download build=$CACHE/${arg[id]} log=$CACHE/${arg[id]}.log
  mkdir -p "$CACHE" && download_file "${arg[url]}" "${arg[sha256]}" "$file" && record_tree "${arg[prefix]}" &&
    rm -rf "${arg[prefix]}" "$build" && mkdir -p "$build" "$(dirname "${arg[prefix]}")" &&
    tar --extract --no-same-owner --strip-components=1 --directory "$build" --file "$file" || return
  [ -z "${arg[rename]-}" ] || sed --in-place "${arg[rename]}" "$build/${arg[renamed_in]}" || return
  words_before "$@"
  run_logged "$log" configure_build "$build" ${WORDS[@]+"${WORDS[@]}"} &&
    run_logged "$log" make --directory "$build" --jobs "$(nproc)" &&
    run_logged "$log" make --directory "$build" install || return
  words_after "$@"
  [ "${#WORDS[@]}" -eq 0 ] || "${WORDS[@]}" || return
  rm -rf "$file" "$build" "$log" && write_stamp
}

source_build_digest() {
  printf '%s' "${arg[sha256]}"
}

configure_build() {  # DIR WORD...
  cd "$1" || return
  shift
  [ -z "${arg[c_flags]-}" ] || export CFLAGS="${arg[c_flags]}"
  ./configure --quiet "$@"
}

run_logged() {  # LOG COMMAND...: show only the end of the output, and only of a failure
  local log=$1
  shift
  ("$@") >"$log" 2>&1 || { tail -n 20 "$log" >&2; return 1; }
}
