#!/bin/sh
# Check packages of dnf against a package list of the lock. Each line is NAME-EPOCH:VERSION-RELEASE.ARCH and the
# sha256 of the package file.
#
# usage: check-rpms.sh installed LIST
#        check-rpms.sh files LIST FOLDER
#
#   installed   check that these versions are installed
#   files       check that the downloaded files in FOLDER are these, as far as the list has them
#
# Prints a line for each difference, and then exits with 1. Prints "as locked" if all packages are
# installed, so that an unreadable list is not mistaken for success.
set -u
form='%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\n'
status=0
report() {
  printf '%s\n' "$1"
  status=1
}
[ -r "$2" ] || exit 1
if [ "$1" = installed ]; then
  all=$(rpm -qa --qf "$form") || exit 1
  while read -r pin _; do
    name=${pin%-*-*}
    printf '%s\n' "$all" | grep -qxF -e "$pin" || {
      installed=$(rpm -q --qf "$form" "$name" 2>/dev/null) || installed=missing
      report "$name: locked $pin, $installed"
    }
  done <"$2"
  [ "$status" -ne 0 ] || echo "as locked"
else
  for file in "$3"/*.rpm; do
    [ -e "$file" ] || continue
    pin=$(rpm -qp --nosignature --qf "$form" "$file" 2>/dev/null) || { report "$file: not a package"; continue; }
    sum=$(sha256sum <"$file")
    locked=$(grep -F -e "$pin " "$2" | while read -r each sha256; do [ "$each" != "$pin" ] || printf '%s' "$sha256"; done)
    [ -z "$locked" ] || [ "$locked" = "${sum%% *}" ] || report "$pin: checksum mismatch between the lock and the repository"
  done
fi
exit "$status"
