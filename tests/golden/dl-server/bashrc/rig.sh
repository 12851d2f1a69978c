# A two-user fastai server
# Environment variables of the rig dl-server, to be sourced by bash, dash or zsh. Written by rigspec
# from lock
# c4461a5746bffa230e4a56138a7491dfaa2cc1d76c11fba9d06e0f6b6dcfa2b4.
#
# Not included: installation. This file only sets environment variables.
# Written by rigspec. Safe to source repeatedly: each directory is added only once.
case ":${PATH:-}:" in
  *:/usr/local/cuda-9.0/bin:*) ;;
  *) PATH=/usr/local/cuda-9.0/bin"${PATH:+:${PATH}}" ;;
esac
export PATH
case ":${LD_LIBRARY_PATH:-}:" in
  *:/usr/local/cuda-9.0/lib64:*) ;;
  *) LD_LIBRARY_PATH=/usr/local/cuda-9.0/lib64"${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}" ;;
esac
export LD_LIBRARY_PATH
case ":${LIBRARY_PATH:-}:" in
  *:/usr/local/cuda-9.0/lib64:*) ;;
  *) LIBRARY_PATH=/usr/local/cuda-9.0/lib64"${LIBRARY_PATH:+:${LIBRARY_PATH}}" ;;
esac
export LIBRARY_PATH
case ":${CPATH:-}:" in
  *:/usr/local/cuda-9.0/include:*) ;;
  *) CPATH=/usr/local/cuda-9.0/include"${CPATH:+:${CPATH}}" ;;
esac
export CPATH
CUDA_HOME=/usr/local/cuda-9.0
export CUDA_HOME
CUDA_PATH=/usr/local/cuda-9.0
export CUDA_PATH
