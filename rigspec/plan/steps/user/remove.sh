user_remove() {
  report_kept_account "${arg[name]}"
}
