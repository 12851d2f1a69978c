#!/bin/sh
# Hold packages of the system against a list of the lock: lines of NAME=VERSION and, where the lock
# knows it, the sha256 of the package's file.
#
# usage: packages.sh archive|installed FILE
#
#   archive     the signed index that apt has read names these very files
#   installed   these versions are installed
#
# Prints a line for each package of which that is not true, and then exits with 1. Where all are
# installed it says "as locked": a list that cannot be read is no proof.
set -u
question=$1
status=0
tell() {
  printf '%s\n' "$1"
  status=1
}
while read -r pin sha256; do
  name=${pin%%=*}
  locked=${pin#*=}
  if [ "$question" = installed ]; then
    # shellcheck disable=SC2016 # dpkg-query fills these in
    have=$(dpkg-query -W -f='${Status} ${Version}\n' "$name" 2>/dev/null | sed -n 's/^[a-z]* ok installed //p')
    [ "$have" = "$locked" ] || tell "$name: locked $locked, ${have:-missing}"
  elif [ -n "$sha256" ]; then
    apt-cache show "$pin" 2>/dev/null | grep -qx "SHA256: $sha256" || tell "$pin: the archive does not have the file that was locked"
  fi
done <"$2" || exit 1
[ "$question" = archive ] || [ "$status" -ne 0 ] || echo "as locked"
exit "$status"
