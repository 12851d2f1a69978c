# --- accounts, units, kernel command line

# Remove the locks of a killed useradd: their process is gone, or its ID now belongs to another program.
clear_account_locks() {
  local name file pid
  for name in passwd shadow group gshadow subuid subgid; do
    for file in "/etc/$name.lock" "/etc/$name".[0-9]*; do
      [ -f "$file" ] && [ ! -L "$file" ] && [ "$(stat -c %s "$file")" -le 20 ] || continue
      pid=$(tr -d '\0' <"$file")
      [ -n "$pid" ] || pid=${file##*.}
      [[ $pid =~ ^[0-9]+$ ]] && [[ ${file##*.} = lock || ${file##*.} = "$pid" ]] || continue
      ! tr -d '\0' 2>/dev/null <"/proc/$pid/comm" | grep -qE '^(user|group|gpass|ch|pass|vi|ad|new|pw|grp)' || continue
      rm -f "/etc/$name+" "$file"
    done
  done
}

# If its creation was interrupted, the account is created again with the same user ID.
create_account() {
  local name=$1 uid='' home=/home/$1
  clear_account_locks
  if is_recorded accounts-begun "$name"; then
    uid=$(id -u "$name" 2>/dev/null) || true
    if is_half_created "$name"; then
      userdel --force "$name" 2>/dev/null || true
      ! grep -q "^$name:" /etc/group || groupdel "$name" || return
      is_recorded homes-before "$home" || rm -rf "$home"
    else
      forget_unfinished_account "$name"
    fi
  fi
  ! id -u "$name" >/dev/null 2>&1 || return 0
  if getent group "$name" >/dev/null; then
    echo "group $name already exists: remove it, or create the account with: useradd --create-home --gid $name $name" >&2
    return 1
  fi
  { [ ! -e "$home" ] || is_recorded accounts-begun "$name" || record homes-before "$home"; } &&
    record accounts-begun "$name" || return
  if ! useradd ${uid:+--uid "$uid"} --create-home --shell /bin/bash "$name"; then
    id -u "$name" >/dev/null 2>&1 || getent group "$name" >/dev/null || forget_unfinished_account "$name"
    return 1
  fi
  record accounts "$name" && forget_unfinished_account "$name"
}

# Succeed if the account has only what useradd writes, so it has never been used.
is_half_created() {
  local name=$1 home=/home/$1 gid=''
  if grep -q "^$name:" /etc/passwd; then
    gid=$(id -g "$name")
    grep -qE "^$name:x:[0-9]+:[0-9]+::$home:/bin/bash\$" /etc/passwd || return 1
    ! grep "^$name:" /etc/shadow | grep -qv "^$name:!:" || return 1
  fi
  ! grep -qE "^[^:]*:[^:]*:[^:]*:(.*,)?$name(,.*)?\$" /etc/group || return 1
  ! grep "^$name:" /etc/group | grep -qvE ":[0-9]+:\$" || return 1
  gid=${gid:-$(sed -n "s/^$name:[^:]*:\([0-9]*\):.*/\1/p" /etc/group)}
  [ -z "$gid" ] || [ -z "$(awk -F : -v gid="$gid" -v name="$name" '$4 == gid && $1 != name' /etc/passwd)" ] || return 1
  is_recorded homes-before "$home" || { [ ! -L "$home" ] && has_only_skel_files "$home"; }
}

has_only_skel_files() {
  local file
  [ -e "$1" ] || return 0
  [ -d "$1" ] || return 1
  find "$1" -mindepth 1 ! -type d -printf '%P\n' | while IFS= read -r file; do
    [ ! -L "$1/$file" ] || [ -L "/etc/skel/$file" ] || exit 1
    [ ! -s "$1/$file" ] || cmp -s "$1/$file" "/etc/skel/$file" || exit 1
  done
}

forget_unfinished_account() {
  unrecord accounts-begun "$1" && unrecord homes-before "/home/$1"
}

report_kept_account() {
  if id -u "$1" >/dev/null 2>&1; then
    report_kept "account $1 and its home; to remove both: deluser --remove-home $1"
  fi
}

# Record only groups that did not exist before.
create_group() {
  clear_account_locks
  getent group "$1" >/dev/null || { record groups "$1" && groupadd --system "$1"; }
}

remove_group() {
  is_recorded groups "$1" || return 0
  ! getent group "$1" >/dev/null || run_or_print "remove group $1" groupdel "$1"
  unrecord groups "$1"
}

remove_quota() {
  is_recorded quotas "$1" || return 0
  if id -u "$1" >/dev/null 2>&1 && command -v setquota >/dev/null; then
    run_or_print "remove the quota of $1" setquota -u "$1" 0 0 0 0 "$(df --output=target "$(getent passwd "$1" | cut -d : -f 6)" | tail -n 1)" 2>/dev/null || true
  fi
  unrecord quotas "$1"
}

# Record only units that were not enabled before.
record_unit() {
  ! command -v systemctl >/dev/null || systemctl is-enabled --quiet "$1" 2>/dev/null || record units "$1"
}

remove_unit() {
  if is_recorded units "$1" && command -v systemctl >/dev/null; then
    [ ! -d /run/systemd/system ] || run_or_print "stop $1" systemctl stop "$1"
    run_or_print "disable $1" systemctl disable --quiet "$1"
    unrecord units "$1"
  fi
  restore_file "/etc/systemd/system/$1"
  [ "$DRY_RUN" = yes ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# A unit that was enabled before keeps running, without the rig's configuration.
restart_unit() {
  ! is_recorded units "$1" || return 0
  [ -d /run/systemd/system ] && systemctl is-active --quiet "$1" || return 0
  run_or_print "restart $1" systemctl try-restart "$1"
}

restore_kernel_command_line() {
  local file=/etc/default/grub.d/rig.cfg
  if was_recorded_file "$file"; then
    [ "$DRY_RUN" = yes ] || record unfinished update-grub || return
    restore_file "$file" || return
  fi
  if [ "$DRY_RUN" = yes ] || is_recorded unfinished update-grub; then
    ! command -v update-grub >/dev/null || run_or_print "regenerate the GRUB menu" update-grub || return
    unrecord unfinished update-grub
  fi
}
