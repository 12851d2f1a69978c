environment_remove() {
  remove_tree "${arg[path]}"
}
