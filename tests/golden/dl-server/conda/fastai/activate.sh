# Install to $CONDA_PREFIX/etc/conda/activate.d/ of the environment fastai. Saves the previous
# values; deactivate.sh restores them.
_RIG_fastai_had_PATH=${PATH+set}
case ":${PATH:-}:" in
  *:/usr/local/cuda-9.0/bin:*) unset _RIG_fastai_put_1_PATH ;;
  *)
    PATH=/usr/local/cuda-9.0/bin"${PATH:+:${PATH}}"
    _RIG_fastai_put_1_PATH=yes
    export _RIG_fastai_put_1_PATH
    ;;
esac
export PATH _RIG_fastai_had_PATH
_RIG_fastai_had_LD_LIBRARY_PATH=${LD_LIBRARY_PATH+set}
case ":${LD_LIBRARY_PATH:-}:" in
  *:/usr/local/cuda-9.0/lib64:*) unset _RIG_fastai_put_1_LD_LIBRARY_PATH ;;
  *)
    LD_LIBRARY_PATH=/usr/local/cuda-9.0/lib64"${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}"
    _RIG_fastai_put_1_LD_LIBRARY_PATH=yes
    export _RIG_fastai_put_1_LD_LIBRARY_PATH
    ;;
esac
export LD_LIBRARY_PATH _RIG_fastai_had_LD_LIBRARY_PATH
_RIG_fastai_had_LIBRARY_PATH=${LIBRARY_PATH+set}
case ":${LIBRARY_PATH:-}:" in
  *:/usr/local/cuda-9.0/lib64:*) unset _RIG_fastai_put_1_LIBRARY_PATH ;;
  *)
    LIBRARY_PATH=/usr/local/cuda-9.0/lib64"${LIBRARY_PATH:+:${LIBRARY_PATH}}"
    _RIG_fastai_put_1_LIBRARY_PATH=yes
    export _RIG_fastai_put_1_LIBRARY_PATH
    ;;
esac
export LIBRARY_PATH _RIG_fastai_had_LIBRARY_PATH
_RIG_fastai_had_CPATH=${CPATH+set}
case ":${CPATH:-}:" in
  *:/usr/local/cuda-9.0/include:*) unset _RIG_fastai_put_1_CPATH ;;
  *)
    CPATH=/usr/local/cuda-9.0/include"${CPATH:+:${CPATH}}"
    _RIG_fastai_put_1_CPATH=yes
    export _RIG_fastai_put_1_CPATH
    ;;
esac
export CPATH _RIG_fastai_had_CPATH
_RIG_fastai_had_CUDA_HOME=${CUDA_HOME+set}
_RIG_fastai_old_CUDA_HOME=${CUDA_HOME:-}
export _RIG_fastai_old_CUDA_HOME
CUDA_HOME=/usr/local/cuda-9.0
export CUDA_HOME _RIG_fastai_had_CUDA_HOME
_RIG_fastai_had_CUDA_PATH=${CUDA_PATH+set}
_RIG_fastai_old_CUDA_PATH=${CUDA_PATH:-}
export _RIG_fastai_old_CUDA_PATH
CUDA_PATH=/usr/local/cuda-9.0
export CUDA_PATH _RIG_fastai_had_CUDA_PATH
