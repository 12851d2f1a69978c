#!/bin/sh
# Tell what LIST, a file of apt's sources, is to hold for a package repository: the line that names
# it, or only a comment where another file does so already, with the same key. apt reads no source
# at all where two files name different keys for one repository.
#
# usage: repository.sh LIST KEYRING FINGERPRINT URL SUITE [COMPONENT…]
#
# Exits with 1 where another file names the repository with another key.
set -eu
list=$1
keyring=$2
fingerprint=$3
url=$4
suite=$5
shift 5

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

# keys FILE: the fingerprints of the keys in it, on one line.
keys() {
  gpg --homedir "$home" --batch --with-colons --with-fingerprint "$1" 2>/dev/null |
    awk -F : '$1 == "pub" { key = 1 } $1 == "fpr" && key { printf "%s%s", between, $10; between = " "; key = 0 }'
}

# one_line FILE: what each line that names the repository is signed by.
one_line() {
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

# paragraphs FILE: the same of paragraphs. The lines of a key that stands in one are parted by `|`.
paragraphs() {
  sed '/^#/d; s/^[[:space:]]*$//' "$1" | awk -v url="${url%/}" -v suite="$suite" '
    function holds(words, wanted,   count, each, i) {
      count = split(words, each, /[ \t|]+/)
      for (i = 1; i <= count; i++) {
        if (wanted == url) sub(/\/+$/, "", each[i])
        if (each[i] == wanted) return 1
      }
      return 0
    }
    function paragraph() {
      if (holds(field["uris"], url) && holds(field["suites"], suite) && tolower(field["enabled"]) !~ /^(no|false|off|0|without|disable)$/)
        print "signed:" field["signed-by"]
      split("", field)
    }
    /^$/ { paragraph(); next }
    /^[ \t]/ { line = $0; sub(/^[ \t]+/, "", line); field[name] = field[name] "|" line; next }
    {
      name = tolower(substr($0, 1, index($0, ":") - 1))
      field[name] = substr($0, index($0, ":") + 1)
      gsub(/^[ \t]+|[ \t]+$/, "", field[name])
    }
    END { paragraph() }'
}

# signers VALUE: the fingerprints behind a Signed-By: of a file, of a key that stands there, or itself.
signers() {
  case $1 in
    /*) keys "$1" ;;
    *BEGIN*)
      printf '%s\n' "$1" | tr '|' '\n' | sed 's/^\.$//' >"$home/key"
      keys "$home/key"
      ;;
    *) printf '%s' "$1" | tr -d '!|' | tr ',' ' ' ;;
  esac
}

refuse() {  # FILE KEYS
  printf '%s has the repository %s signed by %s, and the lock by %s: apt refuses two keys for one repository. Take it out of that file, and run this again\n' \
    "$1" "$url" "${2:-no key that can be read}" "$fingerprint" >&2
  exit 1
}

there=
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  [ -f "$file" ] && [ "$file" != "$list" ] || continue
  case $file in
    *.sources) paragraphs "$file" >"$home/found" ;;
    *) one_line "$file" >"$home/found" ;;
  esac
  while IFS= read -r line; do
    # One that names no key does not contradict.
    [ -n "${line#signed:}" ] || continue
    found=$(signers "${line#signed:}")
    [ "$found" = "$fingerprint" ] || refuse "$file" "$found"
    there=$file
  done <"$home/found"
done

if [ -n "$there" ]; then
  printf '# %s is in %s, with the key of the lock.\n' "$url" "$there"
else
  printf 'deb [signed-by=%s lang=none] %s %s' "$keyring" "$url" "$suite"
  [ $# -eq 0 ] || printf ' %s' "$@"
  printf '\n'
fi
