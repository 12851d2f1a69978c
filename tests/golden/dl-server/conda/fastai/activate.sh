# Put this into $CONDA_PREFIX/etc/conda/activate.d/ of the environment fastai.
# Written by rigspec. Each folder is put in front once, however often this is sourced.
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
