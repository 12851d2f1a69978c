# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Variables of the rig legacy-cpu, to be sourced. Written by rigspec from the lock
# 7c0d6979017fde1419ac7ae6b299e2e998248f4b684af74e2b569633f056a319.
#
# Left out: everything that installs; a fragment only sets variables.
