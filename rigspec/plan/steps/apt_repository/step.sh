# name, url, suite, components; key_url and fingerprint of its signing key; protocols: for its download, next
# to https.
apt_repository_is_done() {
  [ -s "/etc/apt/keyrings/${arg[name]}.gpg" ] &&
    print_source_line | cmp -s - "/etc/apt/sources.list.d/${arg[name]}.list" && has_stamp
}

apt_repository_apply() {
  local list=/etc/apt/sources.list.d/${arg[name]}.list keyring=/etc/apt/keyrings/${arg[name]}.gpg line
  # If our source conflicts with another one, apt reads no sources at all.
  line=$(print_source_line) || { restore_file "$list"; return 1; }
  ensure_parent_dir "$keyring" && fetch_keyring "$keyring.rig-new" && commit_file "$keyring" &&
    printf '%s\n' "$line" >"$list.rig-new" && commit_file "$list" || return
  apt-get indextargets >/dev/null || {
    restore_file "$list"
    step_error "apt cannot read its sources together with $list, which was removed again:" \
      "remove the other source of ${arg[url]} and run this again" || return
  }
  write_stamp
}

apt_repository_digest() {
  printf '%s' "${arg[fingerprint]} ${arg[url]}" | print_digest
}

# Download the signing key, and check that it is the one key with the fingerprint.
fetch_keyring() {  # PATH
  local -x GNUPGHOME=$CACHE/gnupg
  local key=$CACHE/${arg[name]}.asc keys
  mkdir -p "$CACHE" && install -d -m 0700 "$GNUPGHOME" &&
    fetch_url "${arg[key_url]}" "$key" --proto "=https${arg[protocols]:+,${arg[protocols]}}" || return
  keys=$(gpg --batch --with-colons --with-fingerprint "$key" 2>/dev/null |
    awk -F : '$1 == "pub" { count++ } $1 == "fpr" && !first { first = $10 } END { print count, first }') || return
  [ "$keys" = "1 ${arg[fingerprint]}" ] ||
    step_error "the key at ${arg[key_url]} is not the one in the lock (${arg[fingerprint]})" || return
  gpg --batch --yes --dearmor --output "$1" "$key" && chmod 0644 "$1" && rm -rf "$GNUPGHOME" "$key"
}
