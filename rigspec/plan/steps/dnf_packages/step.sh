# packages: the file with the pinned packages. The words are the packages without a version.
dnf_packages_is_done() {
  local name
  for name; do
    is_rpm_provided "$name" || return
  done
  [ -z "${arg[packages]-}" ] || sh "$LOCK/check-rpms.sh" installed "$LOCK/${arg[packages]}" >/dev/null
}

# Download first, without changing anything; then install these files only, after the comparison with the lock.
dnf_packages_apply() {  # [NAME...]
  local folder=$CACHE/rpms/${arg[id]} name missing=()
  for name; do
    is_rpm_provided "$name" || missing+=("$name")
  done
  if [ -n "${arg[packages]-}" ]; then
    while read -r name _; do missing+=("$name"); done <"$LOCK/${arg[packages]}" || return
  fi
  [ "${#missing[@]}" -gt 0 ] || return 0
  rm -rf "$folder" && mkdir -p "$folder" &&
    run_dnf install --downloadonly --downloaddir "$folder" "${missing[@]}" || return
  [ -z "${arg[packages]-}" ] || sh "$LOCK/check-rpms.sh" files "$LOCK/${arg[packages]}" "$folder" >&2 || return
  [ -z "$(find "$folder" -name '*.rpm')" ] || {
    record_rpms "${arg[id]}" "$folder" && run_dnf --disablerepo '*' --setopt localpkg_gpgcheck=1 install "$folder"/*.rpm
  } || return
  rm -rf "$folder"
  [ -z "${arg[packages]-}" ] || sh "$LOCK/check-rpms.sh" installed "$LOCK/${arg[packages]}" >&2
}

# Packages that the rig did not install are removed only if that is allowed. A newer version that is
# installed is replaced by the locked one. An agent of GnuPG that dnf starts would keep the installer's lock.
run_dnf() {  # [OPTION...] COMMAND [WORD...]
  [ "${ALLOW_REMOVALS-no}" = no ] || set -- --allowerasing "$@"
  LC_ALL=C.UTF-8 dnf --assumeyes --quiet --setopt install_weak_deps=0 "$@" 7>&- 8>&- 9>&-
}

is_rpm_provided() {  # NAME
  rpm -q --whatprovides "$1" >/dev/null 2>&1
}

# Record the packages that the files add, and the versions of those that they replace.
record_rpms() {  # ID FOLDER
  local names name before added='' replaced=''
  names=$(find "$2" -name '*.rpm' -exec rpm -qp --nosignature --qf '%{NAME}\n' {} +) || return
  for name in $names; do
    if before=$(rpm -q --qf '%{VERSION}-%{RELEASE}\n' "$name" 2>/dev/null); then
      replaced+="$name ${before%%$'\n'*}"$'\n'
    else
      added+="$1 $name"$'\n'
    fi
  done
  record packages "${added%$'\n'}" && record upgraded "${replaced%$'\n'}"
}
