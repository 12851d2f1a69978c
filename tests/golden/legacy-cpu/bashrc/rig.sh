# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Variables of the rig legacy-cpu, to be sourced. Written by rigspec from the lock
# 4f18998fc48ef5d96d932b7015e664941109752839648883d64747afb2e50d07.
#
# Left out: everything that installs; a fragment only sets variables.
