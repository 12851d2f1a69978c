# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Environment variables of the rig legacy-cpu, to be sourced by bash, dash or zsh. Written by rigspec
# from lock
# 129a0ba8cb98cbf752cbb219f15b66933f690da5bf1c3c0b35c1036933465681.
#
# Not included: installation. This file only sets environment variables.
