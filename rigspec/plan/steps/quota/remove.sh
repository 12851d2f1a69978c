quota_remove() {
  remove_quota "${arg[user]}"
}
