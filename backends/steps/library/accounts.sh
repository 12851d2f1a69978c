# --- accounts

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
create_account() {  # NAME
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
  ! getent group "$name" >/dev/null ||
    step_error "group $name already exists: remove it, or create the account with: useradd --create-home --gid $name $name" || return
  { [ ! -e "$home" ] || is_recorded accounts-begun "$name" || record homes-before "$home"; } &&
    record accounts-begun "$name" || return
  if ! useradd ${uid:+--uid "$uid"} --create-home --shell /bin/bash "$name"; then
    id -u "$name" >/dev/null 2>&1 || getent group "$name" >/dev/null || forget_unfinished_account "$name"
    return 1
  fi
  record accounts "$name" && forget_unfinished_account "$name"
}

forget_unfinished_account() {  # NAME
  unrecord accounts-begun "$1" && unrecord homes-before "/home/$1"
}

is_half_created() {  # NAME: succeed if the account has only what useradd writes, so it has never been used
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

has_only_skel_files() {  # DIR
  local file
  [ -e "$1" ] || return 0
  [ -d "$1" ] || return 1
  find "$1" -mindepth 1 ! -type d -printf '%P\n' | while IFS= read -r file; do
    [ ! -L "$1/$file" ] || [ -L "/etc/skel/$file" ] || exit 1
    [ ! -s "$1/$file" ] || cmp -s "$1/$file" "/etc/skel/$file" || exit 1
  done
}
