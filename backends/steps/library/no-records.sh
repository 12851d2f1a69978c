# --- without records

record() { :; }
record_dir() { :; }
record_file() { :; }
record_tree() { :; }
record_contents() { :; }
record_new_contents() { :; }
record_holds() { :; }
record_unit() { :; }
back_up_members() { :; }
stash_dir() { rm -rf "$1"; }
unstash_dir() { :; }
drop_stash() { :; }
restore_file() { rm -f "$1"; }

refresh_packages() { wait_for_apt && apt-get -qq update; }

install_packages() {  # ID OPTION... PACKAGE...
  shift
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --no-remove "$@" >/dev/null
}

create_account() {  # NAME
  ! id -u "$1" >/dev/null 2>&1 || return 0
  if getent group "$1" >/dev/null; then
    printf 'group %s already exists: remove it, or create the account with: useradd --create-home --gid %s %s\n' "$1" "$1" "$1" >&2
    return 1
  fi
  useradd --create-home --shell /bin/bash "$1"
}

create_group() {  # NAME
  getent group "$1" >/dev/null || groupadd --system "$1"
}
