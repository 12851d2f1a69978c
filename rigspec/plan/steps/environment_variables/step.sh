# path: of the environment; by_conda: `yes` if conda sources the scripts from directories.
environment_variables_is_done() {
  local begin end
  set_script_paths &&
    cmp -s "$LOCK/${arg[id]}" "$begin" && cmp -s "$LOCK/${arg[id]}.end" "$end" &&
    { [ -n "${arg[by_conda]-}" ] || grep -qxF ". $begin" "${arg[path]}/bin/activate"; }
}

environment_variables_apply() {
  local begin end
  set_script_paths &&
    install_script "$LOCK/${arg[id]}" "$begin" && install_script "$LOCK/${arg[id]}.end" "$end" || return
  [ -n "${arg[by_conda]-}" ] || hook_activation "$begin" "$end" "${arg[path]}/bin/activate"
}

# Set $begin and $end of the caller.
set_script_paths() {
  if [ -n "${arg[by_conda]-}" ]; then
    begin=${arg[path]}/etc/conda/activate.d/rig.sh
    end=${arg[path]}/etc/conda/deactivate.d/rig.sh
  else
    begin=${arg[path]}/etc/rig/activate.sh
    end=${arg[path]}/etc/rig/deactivate.sh
  fi
}

install_script() {  # FILE PATH
  mkdir -p "$(dirname "$2")" && install -m 0644 "$1" "$2.rig-new" && mv -fT "$2.rig-new" "$2"
}

# Source the rig's script at the end of a venv's `activate` and at the start of its `deactivate`.
hook_activation() {  # BEGIN END ACTIVATE
  sed -i -e '/\/etc\/rig\/\(de\)\{0,1\}activate\.sh$/d' "$3" &&
    sed -i -e "s|^deactivate *() *{\$|&\\n    . $2|" -e "\$a\\. $1" "$3"
}
