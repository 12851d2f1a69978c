# name, url; key_url of its signing key, and its key_sha256, key_text_sha256 or key_fingerprint; signed: `yes` if the
# key signs the index, too; hotfixes: `yes` if dnf does not filter its packages.
dnf_repository_is_done() {
  print_dnf_repository | cmp -s - "/etc/yum.repos.d/rig-${arg[name]}.repo" &&
    is_rpm_key "/etc/pki/rpm-gpg/RPM-GPG-KEY-rig-${arg[name]}"
}

dnf_repository_apply() {
  local key=/etc/pki/rpm-gpg/RPM-GPG-KEY-rig-${arg[name]} file=/etc/yum.repos.d/rig-${arg[name]}.repo
  ensure_parent_dir "$key" && fetch_url "${arg[key_url]}" "$key.rig-new" || return
  is_rpm_key "$key.rig-new" || step_error "checksum mismatch: ${arg[key_url]} does not match the lock" || return
  chmod 0644 "$key.rig-new" && commit_file "$key" &&
    ensure_parent_dir "$file" && print_dnf_repository >"$file.rig-new" && commit_file "$file"
}

is_rpm_key() {  # FILE
  [ -r "$1" ] || return
  if [ -n "${arg[key_sha256]-}" ]; then
    [ "$(print_digest "$1")" = "${arg[key_sha256]}" ]
  elif [ -n "${arg[key_text_sha256]-}" ]; then
    [ "$(sed '/^Version/d' "$1" | print_digest)" = "${arg[key_text_sha256]}" ]
  else
    [ "$(gpg --show-keys --with-colons "$1" 2>/dev/null | awk -F : '$1 == "pub" { n = 1 } n && $1 == "fpr" { print $10; n = 0 }')" = "${arg[key_fingerprint]}" ]
  fi
}

print_dnf_repository() {
  printf '# Written by rigspec.\n[rig-%s]\nname=%s\nbaseurl=%s\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=%s\ngpgkey=file://%s\n' \
    "${arg[name]}" "${arg[name]}" "${arg[url]}" "$([ -z "${arg[signed]-}" ] && echo 0 || echo 1)" \
    "/etc/pki/rpm-gpg/RPM-GPG-KEY-rig-${arg[name]}"
  [ -z "${arg[hotfixes]-}" ] || echo module_hotfixes=1
}
