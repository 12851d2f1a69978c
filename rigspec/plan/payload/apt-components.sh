#!/bin/sh
# Print the apt source lines that add components of the distribution's archive, from the mirror that
# already provides the first component. Skips components that are already configured. Requires an
# updated package index.
#
# usage: apt-components.sh "SUITE..." FIRST "COMPONENT..."
#
# Exits with 1 if no suite is configured on this machine.
set -eu
suites=$1
first=$2
components=$3
# shellcheck disable=SC2016 # apt fills these in
targets=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI) $(SOURCESENTRY)' 'Identifier: Packages')

# print_entry SUITE COMPONENT: print its URL and the FILE:LINE that configures it.
print_entry() {
  printf '%s\n' "$targets" | sed -n "s|^$1 $2 ||p" | head -n 1
}

# print_signed_by FILE:LINE: print the key of the entry, if it has one. apt rejects a different key.
print_signed_by() {
  case $1 in
    *.sources:*) sed -n "${1##*:},/^[[:space:]]*\$/s/^[Ss]igned-[Bb]y:[[:space:]]*//p" "${1%:*}" ;;
    *) sed -n "${1##*:}s/^deb[[:space:]]*\[[^]]*signed-by=\([^] ]*\).*/\1/p" "${1%:*}" ;;
  esac
}

printf "# Components of the distribution's archive that the rig requires.\n"
found=0
for suite in $suites; do
  source=$(print_entry "$suite" "$first")
  [ -n "$source" ] || continue
  found=1
  missing=
  for component in $components; do
    [ -n "$(print_entry "$suite" "$component")" ] || missing="$missing $component"
  done
  [ -n "$missing" ] || continue
  signed_by=$(print_signed_by "${source#* }")
  printf 'deb [%slang=none] %s %s%s\n' "${signed_by:+signed-by=$signed_by }" "${source%% *}" "$suite" "$missing"
done
if [ "$found" -eq 0 ]; then
  printf 'no apt source for %s on this machine: set the archive in [mirrors] apt\n' "$suites" >&2
  exit 1
fi
