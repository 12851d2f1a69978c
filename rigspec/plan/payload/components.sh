#!/bin/sh
# Tell apt's source lines that give this machine more components of its distribution's archive, from
# where it has the first one. What it has already is left out. apt has read its lists before.
#
# usage: components.sh "SUITE…" FIRST "COMPONENT…"
#
# Exits with 1 where the machine has none of the suites: it must be told where the archive is.
set -eu
suites=$1
first=$2
components=$3
# shellcheck disable=SC2016 # apt fills these in
targets=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI) $(SOURCESENTRY)' 'Identifier: Packages')

# entry SUITE COMPONENT: its address and the place (FILE:LINE) that names it.
entry() {
  printf '%s\n' "$targets" | sed -n "s|^$1 $2 ||p" | head -n 1
}

# key FILE:LINE: the key that the machine trusts it by, where it names one. apt refuses another.
key() {
  case $1 in
    *.sources:*) sed -n "${1##*:},/^[[:space:]]*\$/s/^[Ss]igned-[Bb]y:[[:space:]]*//p" "${1%:*}" ;;
    *) sed -n "${1##*:}s/^deb[[:space:]]*\[[^]]*signed-by=\([^] ]*\).*/\1/p" "${1%:*}" ;;
  esac
}

printf "# What else the rig needs of the distribution's archive.\n"
found=0
for suite in $suites; do
  source=$(entry "$suite" "$first")
  [ -n "$source" ] || continue
  found=1
  missing=
  for component in $components; do
    [ -n "$(entry "$suite" "$component")" ] || missing="$missing $component"
  done
  [ -n "$missing" ] || continue
  trusted=$(key "${source#* }")
  printf 'deb [%slang=none] %s %s%s\n' "${trusted:+signed-by=$trusted }" "${source%% *}" "$suite" "$missing"
done
if [ "$found" -eq 0 ]; then
  printf 'apt has no source of %s here: name the archive under [mirrors] apt\n' "$suites" >&2
  exit 1
fi
