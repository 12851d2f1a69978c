# The source line for a new machine, on which no other file configures the repository.
print_source_line() {
  printf 'deb [signed-by=%s lang=none] %s\n' "/etc/apt/keyrings/${arg[name]}.gpg" \
    "${arg[url]} ${arg[suite]}${arg[components]:+ ${arg[components]}}"
}
