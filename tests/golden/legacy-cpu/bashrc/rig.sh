# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Variables of the rig legacy-cpu, to be sourced. Written by rigspec from the lock
# 5017e7ce883e4148324144937dfc3668435368f660f61a4764097541c6b17789.
#
# Left out: everything that installs; a fragment only sets variables.
