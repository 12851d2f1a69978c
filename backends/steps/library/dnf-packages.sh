# --- packages of dnf

filter_installed() {  # print the names of stdin that are installed
  local name
  while IFS= read -r name; do
    [ -z "$name" ] || ! rpm -q "$name" >/dev/null 2>&1 || printf '%s\n' "$name"
  done
}

# Print the packages of stdin that nothing else depends on: without those that an installed package outside
# of the list needs, until rpm would remove the rest.
filter_unneeded() {
  local names needs need owners
  names=$(sort -u)
  while [ -n "$names" ]; do
    # shellcheck disable=SC2086 # names of packages have no spaces
    needs=$(LC_ALL=C rpm -e --test $names 2>&1 >/dev/null) && break
    needs=$(printf '%s\n' "$needs" | sed -n 's/^[[:space:]]*\(.*\) is needed by (installed) .*/\1/p' | cut -d ' ' -f 1 | sort -u)
    owners=$(printf '%s\n' "$needs" | while IFS= read -r need; do rpm -q --qf '%{NAME}\n' --whatprovides "$need" 2>/dev/null; done)
    [ -n "$owners" ] && printf '%s\n' "$names" | grep -qxF -e "$owners" || return 0
    names=$(printf '%s\n' "$names" | { grep -vxF -e "$owners" || true; })
  done
  [ -z "$names" ] || printf '%s\n' "$names"
}

purge_packages() {  # ID NAME...: remove the packages that the step installed; it requested NAME...
  local id=$1 name mine gone others
  shift
  others=$(list_other_rigs) || return
  if [ -n "$others" ]; then
    report_kept "the packages of $id: still needed by $others"
    return 0
  fi
  mine=$(read_list packages | sed -n "s/^$id //p" | filter_installed)
  gone=''
  [ -z "$mine" ] || gone=$(printf '%s\n' "$mine" | filter_unneeded)
  for name in $mine; do
    printf '%s\n' "$gone" | grep -qxF -e "$name" || report_kept "package $name: another package depends on it"
  done
  for name; do
    read_list packages | OTHER=$name awk '$2 == ENVIRON["OTHER"] { found = 1 } END { exit !found }' || [ -z "$(printf '%s\n' "$name" | filter_installed)" ] ||
      report_kept "package $name: it was already installed$(read_list upgraded | OTHER=$name awk '$1 == ENVIRON["OTHER"] { print ", at version " $2; exit }')"
  done
  [ -n "$gone" ] || return 0
  # shellcheck disable=SC2086 # names of packages have no spaces
  run_or_print "remove packages $(printf '%s' "$gone" | tr '\n' ' ')" \
    run_dnf --setopt clean_requirements_on_remove=0 remove $gone
}
