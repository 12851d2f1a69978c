# packages: the file with the pinned packages. The words are the packages that it does not have and, after `--`, the
# names to hold.
dnf_packages_is_done() {  # [WORD...]
  local name
  words_before "$@"
  for name in ${WORDS[@]+"${WORDS[@]}"}; do
    is_rpm_provided "$name" || return
  done
  [ -z "${arg[packages]-}" ] || sh "$LOCK/check-rpms.sh" installed "$LOCK/${arg[packages]}" >/dev/null || return
  words_after "$@"
  [ "${#WORDS[@]}" -eq 0 ] || ! can_hold_rpms || are_rpms_held "${WORDS[@]}"
}

# Download first, without changing anything; then install these files only, after the comparison with the lock.
dnf_packages_apply() {  # [WORD...]
  local folder=$CACHE/rpms/${arg[id]} name missing=()
  words_before "$@"
  for name in ${WORDS[@]+"${WORDS[@]}"}; do
    is_rpm_provided "$name" || missing+=("$name")
  done
  if [ -n "${arg[packages]-}" ]; then
    while read -r name _; do missing+=("$name"); done <"$LOCK/${arg[packages]}" || return
  fi
  if [ "${#missing[@]}" -gt 0 ]; then
    rm -rf "$folder" && mkdir -p "$folder" &&
      run_dnf install --downloadonly --downloaddir "$folder" "${missing[@]}" || return
    [ -z "${arg[packages]-}" ] || sh "$LOCK/check-rpms.sh" files "$LOCK/${arg[packages]}" "$folder" >&2 || return
    [ -z "$(find "$folder" -name '*.rpm')" ] || {
      record_rpms "${arg[id]}" "$folder" && run_dnf --disablerepo '*' --setopt localpkg_gpgcheck=1 install "$folder"/*.rpm
    } || return
    rm -rf "$folder"
    [ -z "${arg[packages]-}" ] || sh "$LOCK/check-rpms.sh" installed "$LOCK/${arg[packages]}" >&2 || return
  fi
  words_after "$@"
  [ "${#WORDS[@]}" -eq 0 ] || ! can_hold_rpms || hold_rpms "${WORDS[@]}"
}

# Packages that the rig did not install are removed only if that is allowed. A newer version that is
# installed is replaced by the locked one. An agent of GnuPG that dnf starts would keep the installer's lock.
run_dnf() {  # [OPTION...] COMMAND [WORD...]
  [ "${ALLOW_REMOVALS-no}" = no ] || set -- --allowerasing "$@"
  # A version that is held may be replaced by the locked one.
  case " $* " in *' versionlock '*) ;; *) ! can_hold_rpms || set -- --disableplugin versionlock "$@" ;; esac
  LC_ALL=C.UTF-8 dnf --assumeyes --quiet --setopt install_weak_deps=0 "$@" 7>&- 8>&- 9>&-
}

is_rpm_provided() {  # NAME|NAME-VERSION
  rpm -q "$1" >/dev/null 2>&1 || rpm -q --whatprovides "$1" >/dev/null 2>&1
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

# The plugin of dnf reads one version a line, such as `tool-0:1.0-1.el9.*`. An image may not have the plugin.
can_hold_rpms() {
  [ -e /etc/dnf/plugins/versionlock.conf ]
}

print_hold() {  # NAME
  rpm -q --qf '%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.*\n' "$1" | head -n 1
}

list_holds() {  # NAME: print the lines of the package
  local line
  ! [ -e /etc/dnf/plugins/versionlock.list ] || while IFS= read -r line; do
    [ "${line%-*-*}" != "$1" ] || printf '%s\n' "$line"
  done </etc/dnf/plugins/versionlock.list
}

are_rpms_held() {  # NAME...
  local name
  for name; do [ "$(list_holds "$name")" = "$(print_hold "$name")" ] || return; done
}

hold_rpms() {  # NAME...
  local name old new
  for name; do
    new=$(print_hold "$name") && old=$(list_holds "$name") || return
    [ "$old" != "$new" ] || continue
    release_rpms "$old" && record rpm-holds "$new" && run_dnf versionlock --raw add "$new" >/dev/null || return
  done
}

release_rpms() {  # LINES
  local line
  while IFS= read -r line; do
    [ -z "$line" ] || run_dnf versionlock delete "$line" >/dev/null || return
  done <<<"$1"
}
