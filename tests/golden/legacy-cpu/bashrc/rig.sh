# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Variables of the rig legacy-cpu, to be sourced by bash, dash or zsh. Written by rigspec from the lock
# 129a0ba8cb98cbf752cbb219f15b66933f690da5bf1c3c0b35c1036933465681.
#
# Left out: everything that installs; a fragment only sets variables.
