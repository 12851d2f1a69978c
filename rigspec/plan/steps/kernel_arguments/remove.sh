kernel_arguments_remove() {
  restore_kernel_command_line
}
