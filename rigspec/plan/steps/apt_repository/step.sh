# name, url, suite, components; key_url and fingerprint of its signing key; protocols: for its download, next
# to https.
apt_repository_is_done() {
  [ -s "/etc/apt/keyrings/${arg[name]}.gpg" ] &&
    print_source_line | cmp -s - "/etc/apt/sources.list.d/${arg[name]}.list" &&
    has_stamp "${arg[id]}" "$(print_repository_digest)"
}

apt_repository_apply() {
  local list=/etc/apt/sources.list.d/${arg[name]}.list keyring=/etc/apt/keyrings/${arg[name]}.gpg line
  # Remove our source at once if it conflicts with another one: apt reads no sources at all otherwise.
  line=$(print_source_line) || { restore_file "$list"; return 1; }
  ensure_parent_dir "$keyring" && fetch_keyring "$keyring.rig-new" && commit_file "$keyring" &&
    printf '%s\n' "$line" >"$list.rig-new" && commit_file "$list" || return
  apt-get indextargets >/dev/null || {
    restore_file "$list"
    printf 'apt cannot read its sources together with %s, which was removed again: remove the other source of %s and run this again\n' \
      "$list" "${arg[url]}" >&2
    return 1
  }
  write_stamp "${arg[id]}" "$(print_repository_digest)"
}

# Download the signing key, and check that it is the one key with the fingerprint.
fetch_keyring() {  # PATH
  local key=$CACHE/${arg[name]}.asc home=$CACHE/gnupg keys
  mkdir -p "$CACHE" && install -d -m 0700 "$home" &&
    curl --fail --silent --show-error --location --retry 3 --proto "=https${arg[protocols]:+,${arg[protocols]}}" --output "$key" "${arg[key_url]}" || return
  keys=$(gpg --homedir "$home" --batch --with-colons --with-fingerprint "$key" 2>/dev/null |
    awk -F : '$1 == "pub" { count++ } $1 == "fpr" && !first { first = $10 } END { print count, first }') || return
  [ "$keys" = "1 ${arg[fingerprint]}" ] || {
    printf 'the key at %s is not the one in the lock (%s)\n' "${arg[key_url]}" "${arg[fingerprint]}" >&2
    return 1
  }
  gpg --homedir "$home" --batch --yes --dearmor --output "$1" "$key" && chmod 0644 "$1" && rm -rf "$home" "$key"
}

print_repository_digest() {
  printf '%s' "${arg[fingerprint]} ${arg[url]}" | print_digest
}
