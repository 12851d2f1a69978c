group_remove() {
  remove_group "${arg[name]}"
}
