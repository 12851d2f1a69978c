# shellcheck shell=sh disable=SC2016
# What `rig-image verify` checks: the title, the expected output, and the command.
check 'packages (system)' 'as locked' \
  sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.system.txt
check 'packages (fetch)' 'as locked' \
  sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.fetch.txt
check 'packages (cuda)' 'as locked' \
  sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.cuda.txt
check 'cuDNN 7.6.5.32' 7.6.5 \
  sh -c 'sed -n "$1" "$2" | paste -s -d .' sh 's/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p' /usr/local/cuda-9.0/include/cudnn.h
check 'Python of fastai' 3.6 \
  /opt/rig/envs/fastai/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])'
check 'packages of fastai' '' \
  /opt/rig/envs/fastai/bin/python /opt/rig/lock/verify_packages.py /opt/rig/lock/fastai.tools.txt /opt/rig/lock/fastai.requirements.txt /opt/rig/lock/fastai.sources.txt
