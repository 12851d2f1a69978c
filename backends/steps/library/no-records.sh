# --- without records

record() { :; }
record_dir() { :; }
record_file() { :; }
record_tree() { :; }
record_contents() { :; }
record_new_contents() { :; }
record_holds() { :; }
back_up_members() { :; }
clear_account_locks() { :; }
stash_dir() { rm -rf "$1"; }
unstash_dir() { :; }
drop_stash() { :; }
restore_file() { rm -f "$1"; }

refresh_packages() { wait_for_apt && apt-get -qq update; }

install_packages() {  # ID OPTION... PACKAGE...
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --no-remove "${@:2}" >/dev/null
}

create_account() {  # NAME
  ! id -u "$1" >/dev/null 2>&1 || return 0
  ! getent group "$1" >/dev/null ||
    step_error "group $1 already exists: remove it, or create the account with: useradd --create-home --gid $1 $1" || return
  useradd --create-home --shell /bin/bash "$1"
}
