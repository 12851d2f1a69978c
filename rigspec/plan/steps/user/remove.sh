user_remove() {
  ! id -u "${arg[name]}" >/dev/null 2>&1 ||
    report_kept "account ${arg[name]} and its home; to remove both: deluser --remove-home ${arg[name]}"
}
