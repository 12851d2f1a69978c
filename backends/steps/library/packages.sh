# --- system packages

apt_get() {  # WORD...
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@"
}

# Finish an interrupted dpkg run first: apt refuses to install while a package is half installed.
repair_packages() {
  local planned
  wait_for_apt || return
  if [ -n "$(dpkg --audit)" ] || [ -n "$(find /var/lib/dpkg/updates -type f)" ]; then
    echo 'dpkg was interrupted: configuring pending packages'
    DEBIAN_FRONTEND=noninteractive dpkg --configure --pending --force-confdef --force-confold || true
    if [ -n "$(dpkg --audit)" ]; then
      set -- install --fix-broken --yes --allow-downgrades --allow-change-held-packages
      apt_get update && planned=$(apt-get --simulate "$@") && refuse_removals "$planned" && apt_get "$@" || return
    fi
    # If it was killed, it left links that it does not look at again.
    ! command -v update-ca-certificates >/dev/null || update-ca-certificates --fresh >/dev/null || true
  fi
}

refresh_packages() {
  repair_packages && apt_get update
}

refuse_removals() {  # PLANNED: fail if apt would remove a package that the rig did not install
  local foreign
  foreign=$(printf '%s\n' "$1" | print_removals | grep -vxF -e "$(read_list packages | cut -d ' ' -f 2)" | paste -s -d ' ' -) || true
  [ -n "$foreign" ] && [ "$ALLOW_REMOVALS" = no ] || return 0
  echo "apt would remove packages that do not belong to the rig: $foreign" >&2
  step_error "Nothing was changed. To allow it, run $NAME --allow-removals; otherwise lock compatible versions."
}

print_removals() {
  sed -n 's/^\(Remv\|Purg\) \([^ ]*\) .*/\2/p'
}

install_packages() {  # ID OPTION... PACKAGE...
  local id=$1 planned removed marked
  shift
  planned=$(apt-get --simulate install --yes --no-install-recommends "$@") && refuse_removals "$planned" || return
  removed=$(printf '%s\n' "$planned" | print_removals)
  # Do not remove more than was simulated: others may install packages in the meantime.
  [ -n "$removed" ] || set -- --no-remove "$@"
  record packages "$(printf '%s\n' "$planned" | sed -n "s/^Inst \([^ ]*\) (.*/$id \1/p")" &&
    record upgraded "$(printf '%s\n' "$planned" | sed -n 's/^Inst \([^ ]*\) \[\([^]]*\)\].*/\1 \2/p')" &&
    record removed "$removed" &&
    marked=$(apt-mark showauto | filter_requested "$@") && record marked "$marked" &&
    apt_get install --yes --no-install-recommends "$@"
}

filter_requested() {  # OPTION... PACKAGE...: print the names of stdin that are among the packages
  grep -xF -e "$(printf '%s\n' "${@%%=*}")" || [ $? -eq 1 ]
}

record_holds() {  # NAME...
  local name
  for name; do is_held "$name" || record holds "$name" || return; done
}

release_holds() {  # NAME...
  local name
  for name; do
    is_recorded holds "$name" || continue
    ! is_held "$name" || run_or_print "release $name" apt-mark unhold "$name"
    unrecord holds "$name"
  done
}

is_held() {  # NAME
  apt-mark showhold | grep -xF -e "$1" >/dev/null
}

is_installed() {  # NAME
  dpkg-query -W -f='${db:Status-Abbrev}\n' "$1" 2>/dev/null | grep -q '^.[^nc]'
}

filter_installed() {  # print the names of stdin that are installed
  local name
  while IFS= read -r name; do ! is_installed "$name" || printf '%s\n' "$name"; done
}

# Print the packages of stdin that nothing else depends on: simulate an autoremove in which only they
# are marked as automatically installed.
filter_unneeded() {
  local marks name
  marks=$(mktemp -d) || return
  while IFS= read -r name; do
    printf 'Package: %s\nArchitecture: %s\nAuto-Installed: 1\n\n' "${name%%:*}" \
      "$(dpkg-query -W -f='${Architecture}' "$name" | sed "s/^all\$/$(dpkg --print-architecture)/")"
  done >"$marks/extended_states"
  LC_ALL=C apt-get --simulate autoremove -o Dir::State::extended_states="$marks/extended_states" \
    -o APT::Ignore-Hold="$DRY_RUN" -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false |
    print_removals
  rm -rf "$marks"
}

# shellcheck disable=SC2086 # names of packages have no spaces
purge_packages() {  # ID NAME...: purge the packages that the step installed; it requested NAME...
  local id=$1 name mine gone also others
  others=$(list_other_rigs) || return
  if [ -n "$others" ]; then
    report_kept "the packages of $id: still needed by $others"
    return
  fi
  is_dry_run || repair_packages || return
  mine=$(read_list packages | sed -n "s/^$id //p" | filter_installed)
  gone=$([ -z "$mine" ] || printf '%s\n' "$mine" | filter_unneeded | { grep -xF -e "$mine" || true; })
  for name in $mine; do
    printf '%s\n' "$gone" | grep -qxF -e "$name" || report_kept "package $name: another package depends on it"
  done
  for name in "${@:2}"; do
    is_in_list packages "$name" '$2 == value' || ! is_installed "$name" ||
      report_kept "package $name: it was already installed$(search_list upgraded "$name" '$1 == value { print ", at version " $2; exit }')"
  done
  [ -n "$gone" ] || return 0
  also=$(apt-get --simulate --yes --allow-change-held-packages purge $gone | print_removals | { grep -vxF -e "$gone" || true; })
  if [ -n "$also" ]; then
    report_kept "packages $gone: removing them would remove $also"
  else
    run_or_print "remove packages ${gone//$'\n'/ }" apt_get purge --yes $gone
  fi
}
