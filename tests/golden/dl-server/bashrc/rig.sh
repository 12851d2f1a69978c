# A two-user fastai server
# Environment variables of the rig dl-server, to be sourced by bash, dash or zsh. Written by rigspec
# from lock
# 7cf3c93775d0938a10da227b33110248cdc16df11e3655715a1bbfe40282ad80.
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
