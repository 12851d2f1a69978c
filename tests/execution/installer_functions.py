"""The functions of a compiled installer, called one by one in a system."""

from __future__ import annotations

from tests.execution.layers import Layer

INSTALLER = "/root/rig/install.sh"
# The functions of the installer, as a step calls them: where `set -e` does nothing.
FUNCTIONS = """
sed -e '/^trap /d' -e '/^{ trap - EXIT; main/d' /root/rig/install.sh > /root/rig/functions.sh
source /root/rig/functions.sh
DRY_RUN=no ALLOW_REMOVALS=no ONLY= LOGGED=; exec 7>&1 8>/dev/null; set +e
load_plan
apply() { run_on_step "$1" apply; }
remove() { remove_step "$1"; }
small() { mkdir -p "$1"; mount -t tmpfs -o "size=$2" small "$1"; }
fill() { dd if=/dev/zero of="$1/fill" 2>/dev/null; }
"""

# Another program that holds a lock of dpkg for some seconds.
HOLD = """
hold() {
  python3 -c 'import fcntl, pathlib, sys, time
file = open(sys.argv[1], "w"); fcntl.lockf(file, fcntl.LOCK_EX); pathlib.Path("/tmp/held").touch()
time.sleep(float(sys.argv[2]))' "$@" &
  until [ -e /tmp/held ]; do command sleep 0.05; done
}
"""

# A library that somebody unpacked by hand where CUDA's packages have a link to a folder.
BY_HAND = """
by_hand() {
  rm -rf /usr/local/thing /var/lib/rig
  mkdir -p /usr/local/thing/targets/include /usr/local/thing/lib
  cd /usr/local/thing
  ln -s targets/include include
  echo theirs > include/a.h; echo theirs > include/other.h
  echo older > lib/liba.so.0; ln -s liba.so.0 lib/liba.so
  touch -d 2019-01-01 include/a.h lib/liba.so.0; touch -h -d 2019-01-01 lib/liba.so
  cd /
}
state() { (cd /usr/local/thing && find . ! -type d -printf '%P %y %s %T+ %l\\n' | sort | md5sum); }
library() { head -c 17 /usr/local/thing/include/a.h; readlink /usr/local/thing/lib/liba.so; }
"""


def called(system: Layer, script: str) -> str:
    code, output = system.run("bash", "-c", FUNCTIONS + script)
    assert code == 0, output
    return output
