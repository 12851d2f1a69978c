# Install to $CONDA_PREFIX/etc/conda/deactivate.d/ of the environment tf18. Restores the values
# that activate.sh changed, unless they were changed again.
