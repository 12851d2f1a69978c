# A step is skipped if its result is there.
is_completed() { call_step is_done "$@" 2>/dev/null; }
mark_completed() { :; }
