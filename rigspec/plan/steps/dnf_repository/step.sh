# name, url; key_url and key_sha256 of its signing key; signed: `yes` if the key signs the index, too.
dnf_repository_is_done() {
  print_dnf_repository | cmp -s - "/etc/yum.repos.d/rig-${arg[name]}.repo" &&
    printf '%s  %s\n' "${arg[key_sha256]}" "/etc/pki/rpm-gpg/RPM-GPG-KEY-rig-${arg[name]}" | sha256sum --check --status
}

dnf_repository_apply() {
  local key=/etc/pki/rpm-gpg/RPM-GPG-KEY-rig-${arg[name]} file=/etc/yum.repos.d/rig-${arg[name]}.repo
  ensure_parent_dir "$key" && download_file "${arg[key_url]}" "${arg[key_sha256]}" "$key.rig-new" &&
    chmod 0644 "$key.rig-new" && commit_file "$key" &&
    ensure_parent_dir "$file" && print_dnf_repository >"$file.rig-new" && commit_file "$file"
}

print_dnf_repository() {
  printf '# Written by rigspec.\n[rig-%s]\nname=%s\nbaseurl=%s\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=%s\ngpgkey=file://%s\n' \
    "${arg[name]}" "${arg[name]}" "${arg[url]}" "$([ -z "${arg[signed]-}" ] && echo 0 || echo 1)" \
    "/etc/pki/rpm-gpg/RPM-GPG-KEY-rig-${arg[name]}"
}
