# --- checksums that user-data has no room for
#
# The indexes list the checksums of their files. The SHA-256 of each completed list is that of the lock, so
# another file in an index stops the installation.

complete_packages() {  # FILE SHA256: replace each `?` by the checksum in the index of apt
  local pin sum
  ! is_lock_file "$@" || return 0
  refresh_packages && while read -r pin sum; do
    [ "$sum" != '?' ] || sum=$(apt-cache show "$pin" | sed -n 's/^SHA256: //p' | sort -u)
    printf '%s\n' "$pin${sum:+ $sum}"
  done <"$LOCK/$1" >"$LOCK/$1.rig-new" && commit_lock_file "$@"
}

complete_requirements() {  # FILE SHA256: PyPI has the rest of each checksum
  ! is_lock_file "$@" || return 0
  python3 - "$LOCK/$1" >"$LOCK/$1.rig-new" <<'PYTHON' && commit_lock_file "$@"
import re, sys, time
from urllib.request import urlopen

def download(name):
    for delay in 5, 30, 90, 0:
        try:
            return urlopen("https://pypi.org/simple/%s/" % name, timeout=60).read().decode()
        except OSError:
            if not delay:
                raise
            time.sleep(delay)

def complete(line):
    global name, page
    pin = re.match(r"([\w.-]+)==", line)
    if pin:
        name = re.sub("[-_.]+", "-", pin.group(1)).lower()
        page = download(name)
    return re.sub(r"(?<=sha256:)[0-9a-f]{8}$", find_checksum, line)

def find_checksum(start):
    found = re.search("#sha256=(%s[0-9a-f]{56})" % start.group(), page)
    if not found:
        sys.exit("%s: PyPI has no file with the checksum of the lock" % name)
    return found.group(1)

sys.stdout.writelines(map(complete, open(sys.argv[1])))
PYTHON
}

is_lock_file() {  # FILE SHA256
  [ "$(print_digest "$LOCK/$1")" = "$2" ]
}

commit_lock_file() {  # FILE SHA256
  is_lock_file "$1.rig-new" "$2" || {
    printf 'checksum mismatch: the index does not list the files of the lock (%s)\n' "$1" >&2
    return 1
  }
  mv -fT "$LOCK/$1.rig-new" "$LOCK/$1"
}
