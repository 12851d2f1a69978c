# Goes to $CONDA_PREFIX/etc/conda/deactivate.d/ of the environment tf18: puts back what activate.sh
# changed, and leaves alone what others did since.
