readonly STATE=/var/lib/rig CACHE=/var/cache/rig
# The directory with the files of the lock.
LOCK=/opt/rig/lock
