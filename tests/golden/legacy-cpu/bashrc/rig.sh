# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Environment variables of the rig legacy-cpu, to be sourced by bash, dash or zsh. Written by rigspec
# from lock
# 7d0664e35f90aaa5a7ab6ba1908c5576d0d87a4e8465a399908121e452bbc083.
#
# Not included: installation. This file only sets environment variables.
