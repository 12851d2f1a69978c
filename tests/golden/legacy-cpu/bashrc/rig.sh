# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Variables of the rig legacy-cpu, to be sourced by bash, dash or zsh. Written by rigspec from the lock
# 7aa160deb486f24d1a0a8fc46c04287d1efe2b5a76d6b4b659c27a7b7671d97e.
#
# Left out: everything that installs; a fragment only sets variables.
