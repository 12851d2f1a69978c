#!/bin/sh
# Check system packages against a package list of the lock. Each line is NAME=VERSION and, if the lock has
# it, the sha256 of the package file.
#
# usage: check-packages.sh archive|installed FILE
#
#   archive     check that the signed package index lists these files
#   installed   check that these versions are installed
#
# Prints a line for each difference, and then exits with 1. Prints "as locked" if all packages are
# installed, so that an unreadable list is not mistaken for success.
set -u
mode=$1
status=0
outdated=
report() {
  printf '%s\n' "$1"
  status=1
}
installed_version() {
  # shellcheck disable=SC2016 # dpkg-query fills these in
  dpkg-query -W -f='${Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^[a-z]* ok installed //p'
}
check_index() {
  # A package that is installed, and in no index any more, is listed without checksum.
  listed=$(apt-cache show "$pin" 2>/dev/null | sed -n 's/^SHA256: //p')
  if [ -n "$listed" ]; then
    printf '%s\n' "$listed" | grep -qx "$sha256" || report "$pin: checksum mismatch between the lock and the package index"
  elif [ "$(installed_version "$name")" != "$locked" ]; then
    newest=$(apt-cache show --no-all-versions "$name" 2>/dev/null | sed -n 's/^Version: //p')
    report "$pin: not in the package index, which has ${newest:-no version of it}"
    outdated=yes
  fi
}
while read -r pin sha256; do
  name=${pin%%=*}
  locked=${pin#*=}
  if [ "$mode" = installed ]; then
    installed=$(installed_version "$name")
    [ "$installed" = "$locked" ] || report "$name: locked $locked, ${installed:-missing}"
  elif [ -n "$sha256" ]; then
    check_index
  fi
done <"$2" || exit 1
[ -z "$outdated" ] || echo "the archive does not have these versions: lock and compile again, or use an archive with snapshots"
[ "$mode" = archive ] || [ "$status" -ne 0 ] || echo "as locked"
exit "$status"
