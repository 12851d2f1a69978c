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
report() {
  printf '%s\n' "$1"
  status=1
}
while read -r pin sha256; do
  name=${pin%%=*}
  locked=${pin#*=}
  if [ "$mode" = installed ]; then
    # shellcheck disable=SC2016 # dpkg-query fills these in
    installed=$(dpkg-query -W -f='${Status} ${Version}\n' "$name" 2>/dev/null | sed -n 's/^[a-z]* ok installed //p')
    [ "$installed" = "$locked" ] || report "$name: locked $locked, ${installed:-missing}"
  elif [ -n "$sha256" ]; then
    apt-cache show "$pin" 2>/dev/null | grep -qx "SHA256: $sha256" || report "$pin: checksum mismatch between the lock and the package index"
  fi
done <"$2" || exit 1
[ "$mode" = archive ] || [ "$status" -ne 0 ] || echo "as locked"
exit "$status"
