# Goes to $CONDA_PREFIX/etc/conda/activate.d/ of the environment tf18; deactivate.sh puts back
# what this changes. It remembers in variables of its own what it found.
