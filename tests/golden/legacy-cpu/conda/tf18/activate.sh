# Put this into $CONDA_PREFIX/etc/conda/activate.d/ of the environment tf18.
