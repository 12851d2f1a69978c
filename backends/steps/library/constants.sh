# shellcheck disable=SC2034 # not every kind of step uses the cache
readonly STATE=/var/lib/rig CACHE=/var/cache/rig
# The directory with the files of the lock.
LOCK=/opt/rig/lock
