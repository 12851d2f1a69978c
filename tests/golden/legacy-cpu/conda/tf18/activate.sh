# Install to $CONDA_PREFIX/etc/conda/activate.d/ of the environment tf18. Saves the previous
# values; deactivate.sh restores them.
