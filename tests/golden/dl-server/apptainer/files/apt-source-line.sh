#!/bin/sh
# Print the content of LIST, an apt source file, for a package repository: its source line, or only a
# comment if another file already configures the repository with the same key. apt reads no sources
# at all if two files have different keys for one repository.
#
# usage: apt-source-line.sh LIST KEYRING FINGERPRINT URL SUITE [COMPONENT...]
#
# Exits with 1 if another file configures the repository with a different key.
set -eu
list=$1
keyring=$2
fingerprint=$3
url=$4
suite=$5
shift 5

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

# print_fingerprints FILE: print the fingerprints of the keys in the file, on one line.
print_fingerprints() {
  gpg --homedir "$home" --batch --with-colons --with-fingerprint "$1" 2>/dev/null |
    awk -F : '$1 == "pub" { key = 1 } $1 == "fpr" && key { printf "%s%s", between, $10; between = " "; key = 0 }'
}

# parse_list FILE: print the Signed-By value of each matching entry in one-line format.
parse_list() {
  sed -n 's/^[[:space:]]*deb\(-src\)\{0,1\}[[:space:]]//p' "$1" | awk -v url="${url%/}" -v suite="$suite" '
    {
      options = ""
      if (match($0, /^[ \t]*\[[^]]*\]/)) {
        options = substr($0, RSTART, RLENGTH)
        $0 = substr($0, RLENGTH + 1)
      }
      sub(/\/+$/, "", $1)
      if ($1 != url || $2 != suite) next
      gsub(/[][]/, " ", options)
      count = split(options, each, " ")
      signed = ""
      for (i = 1; i <= count; i++) if (tolower(each[i]) ~ /^signed-by=/) signed = substr(each[i], 11)
      print "signed:" signed
    }'
}

# parse_sources FILE: the same for deb822 format. Lines of an embedded key are separated by `|`.
parse_sources() {
  sed '/^#/d; s/^[[:space:]]*$//' "$1" | awk -v url="${url%/}" -v suite="$suite" '
    function contains(words, value,   count, each, i) {
      count = split(words, each, /[ \t|]+/)
      for (i = 1; i <= count; i++) {
        if (value == url) sub(/\/+$/, "", each[i])
        if (each[i] == value) return 1
      }
      return 0
    }
    function print_paragraph() {
      if (contains(field["uris"], url) && contains(field["suites"], suite) && tolower(field["enabled"]) !~ /^(no|false|off|0|without|disable)$/)
        print "signed:" field["signed-by"]
      split("", field)
    }
    /^$/ { print_paragraph(); next }
    /^[ \t]/ { line = $0; sub(/^[ \t]+/, "", line); field[name] = field[name] "|" line; next }
    {
      name = tolower(substr($0, 1, index($0, ":") - 1))
      field[name] = substr($0, index($0, ":") + 1)
      gsub(/^[ \t]+|[ \t]+$/, "", field[name])
    }
    END { print_paragraph() }'
}

# resolve_signed_by VALUE: print the fingerprints of a Signed-By value: a file, an embedded key or a fingerprint.
resolve_signed_by() {
  case $1 in
    /*) print_fingerprints "$1" ;;
    *BEGIN*)
      printf '%s\n' "$1" | tr '|' '\n' | sed 's/^\.$//' >"$home/key"
      print_fingerprints "$home/key"
      ;;
    *) printf '%s' "$1" | tr -d '!|' | tr ',' ' ' ;;
  esac
}

fail_key_conflict() {  # FILE KEYS
  printf '%s configures the repository %s with key %s, but the lock has key %s: apt rejects two keys for one repository. Remove it from that file and run this again\n' \
    "$1" "$url" "${2:-unreadable key}" "$fingerprint" >&2
  exit 1
}

configured_in=
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  [ -f "$file" ] && [ "$file" != "$list" ] || continue
  case $file in
    *.sources) parse_sources "$file" >"$home/found" ;;
    *) parse_list "$file" >"$home/found" ;;
  esac
  while IFS= read -r line; do
    # An entry without a key does not conflict.
    [ -n "${line#signed:}" ] || continue
    found=$(resolve_signed_by "${line#signed:}")
    [ "$found" = "$fingerprint" ] || fail_key_conflict "$file" "$found"
    configured_in=$file
  done <"$home/found"
done

if [ -n "$configured_in" ]; then
  printf '# %s is configured in %s with the same key.\n' "$url" "$configured_in"
else
  printf 'deb [signed-by=%s lang=none] %s %s' "$keyring" "$url" "$suite"
  [ $# -eq 0 ] || printf ' %s' "$@"
  printf '\n'
fi
