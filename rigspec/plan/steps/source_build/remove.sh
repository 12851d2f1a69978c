source_build_remove() {
  remove_tree "${arg[prefix]}"
}
