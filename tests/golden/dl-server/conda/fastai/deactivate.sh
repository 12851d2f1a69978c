# Install to $CONDA_PREFIX/etc/conda/deactivate.d/ of the environment fastai. Restores the values
# that activate.sh changed, unless they were changed again.
if [ "${_RIG_fastai_put_1_PATH:-}" = yes ]; then
  _RIG_all=:${PATH:-}:
  case $_RIG_all in
    *:/usr/local/cuda-9.0/bin:*)
      PATH=${_RIG_all%%:/usr/local/cuda-9.0/bin:*}:${_RIG_all#*:/usr/local/cuda-9.0/bin:}
      PATH=${PATH#:}
      PATH=${PATH%:}
      ;;
  esac
  unset _RIG_all _RIG_fastai_put_1_PATH
fi
if [ -z "${PATH:-}" ] && [ "${_RIG_fastai_had_PATH-set}" != set ]; then
  unset PATH
fi
unset _RIG_fastai_had_PATH
if [ "${_RIG_fastai_put_1_LD_LIBRARY_PATH:-}" = yes ]; then
  _RIG_all=:${LD_LIBRARY_PATH:-}:
  case $_RIG_all in
    *:/usr/local/cuda-9.0/lib64:*)
      LD_LIBRARY_PATH=${_RIG_all%%:/usr/local/cuda-9.0/lib64:*}:${_RIG_all#*:/usr/local/cuda-9.0/lib64:}
      LD_LIBRARY_PATH=${LD_LIBRARY_PATH#:}
      LD_LIBRARY_PATH=${LD_LIBRARY_PATH%:}
      ;;
  esac
  unset _RIG_all _RIG_fastai_put_1_LD_LIBRARY_PATH
fi
if [ -z "${LD_LIBRARY_PATH:-}" ] && [ "${_RIG_fastai_had_LD_LIBRARY_PATH-set}" != set ]; then
  unset LD_LIBRARY_PATH
fi
unset _RIG_fastai_had_LD_LIBRARY_PATH
if [ "${_RIG_fastai_put_1_LIBRARY_PATH:-}" = yes ]; then
  _RIG_all=:${LIBRARY_PATH:-}:
  case $_RIG_all in
    *:/usr/local/cuda-9.0/lib64:*)
      LIBRARY_PATH=${_RIG_all%%:/usr/local/cuda-9.0/lib64:*}:${_RIG_all#*:/usr/local/cuda-9.0/lib64:}
      LIBRARY_PATH=${LIBRARY_PATH#:}
      LIBRARY_PATH=${LIBRARY_PATH%:}
      ;;
  esac
  unset _RIG_all _RIG_fastai_put_1_LIBRARY_PATH
fi
if [ -z "${LIBRARY_PATH:-}" ] && [ "${_RIG_fastai_had_LIBRARY_PATH-set}" != set ]; then
  unset LIBRARY_PATH
fi
unset _RIG_fastai_had_LIBRARY_PATH
if [ "${_RIG_fastai_put_1_CPATH:-}" = yes ]; then
  _RIG_all=:${CPATH:-}:
  case $_RIG_all in
    *:/usr/local/cuda-9.0/include:*)
      CPATH=${_RIG_all%%:/usr/local/cuda-9.0/include:*}:${_RIG_all#*:/usr/local/cuda-9.0/include:}
      CPATH=${CPATH#:}
      CPATH=${CPATH%:}
      ;;
  esac
  unset _RIG_all _RIG_fastai_put_1_CPATH
fi
if [ -z "${CPATH:-}" ] && [ "${_RIG_fastai_had_CPATH-set}" != set ]; then
  unset CPATH
fi
unset _RIG_fastai_had_CPATH
if [ "${_RIG_fastai_had_CUDA_HOME:-}" = set ]; then
  CUDA_HOME=${_RIG_fastai_old_CUDA_HOME:-}
  export CUDA_HOME
elif [ -n "${_RIG_fastai_had_CUDA_HOME+known}" ]; then
  unset CUDA_HOME
fi
unset _RIG_fastai_old_CUDA_HOME
unset _RIG_fastai_had_CUDA_HOME
if [ "${_RIG_fastai_had_CUDA_PATH:-}" = set ]; then
  CUDA_PATH=${_RIG_fastai_old_CUDA_PATH:-}
  export CUDA_PATH
elif [ -n "${_RIG_fastai_had_CUDA_PATH+known}" ]; then
  unset CUDA_PATH
fi
unset _RIG_fastai_old_CUDA_PATH
unset _RIG_fastai_had_CUDA_PATH
