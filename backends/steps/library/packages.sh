# --- system packages

apt_get() {
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
      # Do not run it if the simulation fails.
      apt_get update && planned=$(apt-get --simulate "$@") && refuse_removals "$planned" && apt_get "$@" || return
    fi
    # A run that was killed within it left links of certificates that it does not look at again.
    ! command -v update-ca-certificates >/dev/null || update-ca-certificates --fresh >/dev/null || true
  fi
}

refresh_packages() {
  repair_packages && apt_get update
}

# refuse_removals PLANNED: fail if apt would remove a package that the rig did not install.
refuse_removals() {
  local foreign
  foreign=$(printf '%s\n' "$1" | print_removals | grep -vxF -e "$(read_list packages | cut -d ' ' -f 2)" | paste -s -d ' ' -) || true
  [ -n "$foreign" ] && [ "$ALLOW_REMOVALS" = no ] || return 0
  printf 'apt would remove packages that do not belong to the rig: %s\nNothing was changed. To allow it, run %s --allow-removals; otherwise lock compatible versions.\n' "$foreign" "$NAME" >&2
  return 1
}

print_removals() {
  sed -n 's/^\(Remv\|Purg\) \([^ ]*\) .*/\2/p'
}

install_packages() {  # ID OPTION... PACKAGE...
  local id=$1 planned removed marked
  shift
  planned=$(apt-get --simulate install --yes --no-install-recommends "$@") || return
  refuse_removals "$planned" || return
  removed=$(printf '%s\n' "$planned" | print_removals)
  # Do not remove more than the simulation showed: packages may be installed in the meantime.
  [ -n "$removed" ] || set -- --no-remove "$@"
  record packages "$(printf '%s\n' "$planned" | sed -n "s/^Inst \([^ ]*\) (.*/$id \1/p")" &&
    record upgraded "$(printf '%s\n' "$planned" | sed -n 's/^Inst \([^ ]*\) \[\([^]]*\)\].*/\1 \2/p')" &&
    record removed "$removed" &&
    marked=$(apt-mark showauto | filter_requested "$@") && record marked "$marked" &&
    apt_get install --yes --no-install-recommends "$@"
}

filter_requested() {  # OPTION... PACKAGE...: print the names of stdin that are among the packages
  REQUESTED=$* awk '
    BEGIN { count = split(ENVIRON["REQUESTED"], all, " "); for (i = 1; i <= count; i++) { sub(/=.*/, "", all[i]); requested[all[i]] } }
    $0 in requested'
}

record_holds() {
  local name holds
  holds=$(apt-mark showhold)
  for name; do
    printf '%s\n' "$holds" | grep -qxF -e "$name" || record holds "$name" || return
  done
}

release_holds() {
  local name
  for name; do
    if is_recorded holds "$name"; then
      ! apt-mark showhold | grep -qxF -e "$name" || run_or_print "release $name" apt-mark unhold "$name"
      unrecord holds "$name"
    fi
  done
}

filter_installed() {  # print the names of stdin that are installed
  local name
  while IFS= read -r name; do
    # shellcheck disable=SC2016 # dpkg-query fills this in
    dpkg-query -W -f='${db:Status-Abbrev}\n' "$name" 2>/dev/null | grep -q '^.[^nc]' && printf '%s\n' "$name"
  done
  true
}

# Print the packages of stdin that nothing else depends on: simulate an autoremove in which only they
# are marked as automatically installed.
filter_unneeded() {
  local marks name
  marks=$(mktemp -d) || return
  while IFS= read -r name; do
    printf 'Package: %s\nArchitecture: %s\nAuto-Installed: 1\n\n' "${name%%:*}" "$(dpkg-query -W -f='${Architecture}' "$name" | sed "s/^all\$/$(dpkg --print-architecture)/")"
  done >"$marks/extended_states"
  LC_ALL=C apt-get --simulate autoremove -o Dir::State::extended_states="$marks/extended_states" \
    -o APT::Ignore-Hold="$DRY_RUN" -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false |
    sed -n 's/^Remv \([^ ]*\) .*/\1/p'
  rm -rf "$marks"
}

purge_packages() {  # ID NAME...: purge the packages that the step installed; it requested NAME...
  local id=$1 name mine gone also others
  shift
  others=$(list_other_rigs) || return
  if [ -n "$others" ]; then
    report_kept "the packages of $id: still needed by $others"
    return 0
  fi
  [ "$DRY_RUN" = yes ] || repair_packages || return
  mine=$(read_list packages | sed -n "s/^$id //p" | filter_installed)
  gone=''
  [ -z "$mine" ] || gone=$(printf '%s\n' "$mine" | filter_unneeded | { grep -xF -e "$mine" || true; })
  for name in $mine; do
    printf '%s\n' "$gone" | grep -qxF -e "$name" || report_kept "package $name: another package depends on it"
  done
  for name; do
    read_list packages | OTHER=$name awk '$2 == ENVIRON["OTHER"] { found = 1 } END { exit !found }' || [ -z "$(printf '%s\n' "$name" | filter_installed)" ] ||
      report_kept "package $name: it was already installed$(read_list upgraded | sed -n "s/^$(printf '%s' "$name" | sed 's/[.+]/\\&/g') /, at version /p" | head -n 1)"
  done
  [ -n "$gone" ] || return 0
  # shellcheck disable=SC2086 # names of packages have no spaces
  also=$(apt-get --simulate --yes --allow-change-held-packages purge $gone | sed -n 's/^Purg \([^ ]*\) .*/\1/p' | { grep -vxF -e "$gone" || true; })
  if [ -n "$also" ]; then
    report_kept "packages $gone: removing them would remove $also"
    return 0
  fi
  # shellcheck disable=SC2086
  run_or_print "remove packages $(printf '%s' "$gone" | tr '\n' ' ')" apt_get purge --yes $gone
}

# Installing a package by name marks it as manual; mark these as automatic again.
restore_auto_marks() {
  local names
  names=$(read_list marked | filter_installed)
  # shellcheck disable=SC2086
  [ -z "$names" ] || apt-mark auto $names >/dev/null
}
