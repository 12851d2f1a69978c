# url, sha256, to, mode
download_is_done() {
  [ "$(stat -c %a "${arg[to]}" 2>/dev/null)" = "$(printf '%o' "0${arg[mode]}")" ] &&
    [ "$(print_digest "${arg[to]}")" = "${arg[sha256]}" ]
}

download_apply() {
  ensure_parent_dir "${arg[to]}" && download_file "${arg[url]}" "${arg[sha256]}" "${arg[to]}.rig-new" &&
    chmod "${arg[mode]}" "${arg[to]}.rig-new" && commit_file "${arg[to]}"
}
