# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Variables of the rig legacy-cpu, to be sourced. Written by rigspec from the lock
# 417e97d99d558d22d20da2923cbece18d713b3095aca4c5ee1e2885099b5c050.
#
# Left out: everything that installs; a fragment only sets variables.
