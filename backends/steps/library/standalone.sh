#!/usr/bin/env bash
# Runs one step of a rig, or one check, without the installer and its records.
#
# usage: steps.sh FUNCTION ID TITLE KIND [KEY=VALUE...] [-- WORD...]
#        steps.sh check TITLE EXPECTED COMMAND...
#
#   is_done   succeed if the step is complete
#   apply     perform the step; safe to run again after an interruption
# shellcheck disable=SC2016,SC2034,SC2120
set -euo pipefail
umask 022
