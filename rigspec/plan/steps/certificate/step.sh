# certificate, key, algorithm (rsa:BITS or ecdsa:CURVE), days, owner; dependents: services that read it. The
# words are the options of openssl for the key.
certificate_is_done() {
  [ "$(stat -c '%a %U' "${arg[key]}" 2>/dev/null)" = "400 ${arg[owner]}" ] &&
    openssl x509 -noout -checkend 0 -in "${arg[certificate]}" >/dev/null 2>&1 && has_stamp
}

certificate_apply() {  # OPTION...
  local key=${arg[key]} certificate=${arg[certificate]}
  ensure_parent_dir "$key" && create_certificate "$key.rig-new" "$certificate.rig-new" "$@" &&
    chown "${arg[owner]}" "$key.rig-new" && chmod 0400 "$key.rig-new" && chmod 0644 "$certificate.rig-new" &&
    commit_file "$key" && commit_file "$certificate" && invalidate_dependents && write_stamp
}

certificate_digest() {
  printf '%s' "${arg[algorithm]} ${arg[days]}" | print_digest
}

# Create both files, readable by the calling account. Current clients check only the alternative names.
create_certificate() {  # KEY CERTIFICATE OPTION...
  local name
  name=$(uname -n)
  printf '%s\n' '[req]' prompt=no distinguished_name=dn x509_extensions=ext '[dn]' "CN=$name" '[ext]' \
    "subjectAltName=DNS:$name,DNS:localhost,IP:127.0.0.1" >"$1.request" &&
    (umask 077 && openssl req -x509 -nodes -config "$1.request" -days "${arg[days]}" "${@:3}" \
      -keyout "$1" -out "$2" >/dev/null 2>&1) && rm -f "$1.request"
}
