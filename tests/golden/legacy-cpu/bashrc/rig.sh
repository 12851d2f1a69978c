# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Variables of the rig legacy-cpu, to be sourced. Written by rigspec from the lock
# ea62e41a6391c72269bdb3398192df5d676db788a03fa69943372a8651af7974.
#
# Left out: everything that installs; a fragment only sets variables.
