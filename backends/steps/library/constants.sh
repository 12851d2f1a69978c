readonly LOG=/var/log/rig.log STATE=/var/lib/rig CACHE=/var/cache/rig
readonly RECORDS=$STATE/owned
# The directory with the files of the lock.
LOCK=/opt/rig/lock
