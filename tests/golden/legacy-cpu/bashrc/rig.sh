# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Environment variables of the rig legacy-cpu, to be sourced by bash, dash or zsh. Written by rigspec
# from lock
# d16b064f3d972d4ffee4b814e99493990dba5542ac25338d05231504aa71b7eb.
#
# Not included: installation. This file only sets environment variables.
