#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034,SC2120
trap 'echo install.sh": this file is truncated; download it again" >&2; exit 1' EXIT
#
# A two-user fastai server
# Installs the rig dl-server, machine tower. Written by rigspec from lock
# 7cf3c93775d0938a10da227b33110248cdc16df11e3655715a1bbfe40282ad80.
#
# Run as root. Safe to re-run: completed steps are skipped. See --help. Nothing runs before the last
# line, so a truncated download changes nothing.
#
# Not included:
# - pinning of packages of the repository nvidia-cuda: versions are locked, but neither a sha256 nor what they need: its server did not answer
set -euo pipefail

readonly NAME=install.sh RIG_NAME=dl-server

# The steps in their order: ID, title, kind, and the values of the kind.
load_plan() {
  step platform 'Platform: ubuntu 16.04 on x86_64' platform distribution=ubuntu release=16.04 arch=x86_64
  step archive 'Apt components of the distribution' apt-source name=rig \
    'suites=xenial xenial-updates xenial-security' 'components=main restricted universe multiverse' \
    program=apt-components.sh
  step system-packages 'System packages' apt-packages packages=packages.system.txt checksums=yes
  step fetch-tools 'Packages: download tools' apt-packages packages=packages.fetch.txt checksums=yes
  step repository-nvidia-cuda 'Apt repository: nvidia-cuda' apt-repository name=nvidia-cuda \
    url=https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1604/x86_64 suite=/ \
    key_url=https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1604/x86_64/3bf863cc.pub \
    fingerprint=EB693B3035CD5710E231E123A4B469963BF863CC
  step driver 'NVIDIA driver 465.19.01' host-packages packages=packages.driver.txt modules=yes -- -- \
    cuda-drivers
  step cuda 'CUDA toolkit 9.0.176' apt-packages packages=packages.cuda.txt -- -- cuda-toolkit-9-0
  step cudnn 'cuDNN 7.6.5.32 for CUDA 9.0' archive \
    url=https://developer.download.nvidia.com/compute/redist/cudnn/v7.6.5/cudnn-9.0-linux-x64-v7.6.5.32.tgz \
    sha256=bd0a4c0090d5b02feec3f195738968690cc2470b9bc6026e6fe8ff245cd261c8 to=/usr/local/cuda-9.0 strip=1 \
    creates=/usr/local/cuda-9.0/include/cudnn.h
  step installer-anaconda3-5-2-0 'Anaconda3 5.2.0 (Python 3.6.5)' installer \
    url=https://repo.anaconda.com/archive/Anaconda3-5.2.0-Linux-x86_64.sh \
    sha256=09f53738b0cd3bb96f5b1bac488e5528df9906be2480fe61df40e0e0d19e3d48 prefix=/opt/rig/anaconda3-5.2.0 \
    creates=/opt/rig/anaconda3-5.2.0/bin/python -- -b -p /opt/rig/anaconda3-5.2.0
  step env-fastai 'Python environment fastai' environment path=/opt/rig/envs/fastai tools=fastai.tools.txt \
    requirements=fastai.requirements.txt sources=fastai.sources.txt -- /opt/rig/anaconda3-5.2.0/bin/python \
    -m venv
  step settings-fastai-keras 'Settings of keras for new accounts' file path=/etc/skel/.keras/keras.json
  step user-alice 'Account alice' user name=alice -- .keras/keras.json
  step user-bob 'Account bob' user name=bob -- .keras/keras.json
  step gpus-of-users 'GPU assignment of users' file path=/etc/profile.d/rig-dl-server.users.sh
  step variables 'Variables of login sessions' variables path=/etc/profile.d/rig-dl-server.sh
  step service-packages 'Packages: services' apt-packages packages=packages.service.txt checksums=yes
  step service-ssh-settings 'sshd configuration' file path=/etc/default/ssh requires_ssh_key=yes \
    dependents=service-ssh
  step service-ssh 'sshd on port 22, keys only' service name=ssh.service restart_on=service-ssh-settings -- sh \
    -c \
    'test -d /run/sshd || { mkdir -m 0755 /run/sshd && trap '"'"'rmdir /run/sshd'"'"' EXIT; }; ! test -e /etc/default/ssh || . /etc/default/ssh; /usr/sbin/sshd -t $SSHD_OPTS'
  step service-dyndns-interval 'ddclient update interval' file path=/etc/default/ddclient \
    dependents=service-dyndns
  step host-service-packages 'Packages: monitoring and dynamic DNS' apt-packages \
    packages=packages.host-service.txt checksums=yes
  step service-dyndns-settings 'ddclient configuration' secret name=DYNDNS path=/etc/ddclient.conf owner=root \
    template=yes account=yes dependents=service-dyndns
  step service-dyndns 'ddclient service (rig.example.org)' service name=ddclient.service \
    'restart_on=service-dyndns-settings service-dyndns-interval'
  step session-fastai 'tmux layout: fastai' file path=/etc/rig/tmux/fastai.yaml
  step session-loader 'Command rig-tmux' file path=/usr/local/bin/rig-tmux mode=0755
  step tmux-packages 'Packages: tmux' apt-packages packages=packages.tmux.txt checksums=yes
  step certificate-tools 'Packages: openssl' apt-packages packages=packages.certificate.txt checksums=yes
  step notebook-alice-certificate 'Notebook certificate of alice' certificate \
    certificate=/etc/rig/notebook/alice.crt key=/etc/rig/notebook/alice.key algorithm=rsa:2048 days=365 \
    owner=alice dependents=notebook-alice -- -newkey rsa:2048
  step notebook-alice-password 'Notebook password of alice' secret name=JUPYTER_PASSWORD_HASH \
    path=/etc/rig/notebook/alice.password owner=alice dependents=notebook-alice
  step notebook-alice-settings 'Notebook settings of alice' file path=/etc/rig/notebook/alice.json \
    dependents=notebook-alice
  step notebook-alice 'Notebook server of alice, port 8888' service name=rig-notebook-alice.service unit=yes \
    'restart_on=notebook-alice-certificate notebook-alice-password notebook-alice-settings'
  step notebook-bob-certificate 'Notebook certificate of bob' certificate certificate=/etc/rig/notebook/bob.crt \
    key=/etc/rig/notebook/bob.key algorithm=rsa:2048 days=365 owner=bob dependents=notebook-bob -- -newkey \
    rsa:2048
  step notebook-bob-password 'Notebook password of bob' secret name=JUPYTER_PASSWORD_HASH \
    path=/etc/rig/notebook/bob.password owner=bob dependents=notebook-bob
  step notebook-bob-settings 'Notebook settings of bob' file path=/etc/rig/notebook/bob.json \
    dependents=notebook-bob
  step notebook-bob 'Notebook server of bob, port 8889' service name=rig-notebook-bob.service unit=yes \
    'restart_on=notebook-bob-certificate notebook-bob-password notebook-bob-settings'
  step reboot 'Reboot for driver and kernel arguments' reboot \
    'reason=kernel modules and kernel arguments take effect at boot' \
    digest=45561db5553222603a509739127e1b35af2fbcd03f3ff7c043487c4b3194ed62
  step verify 'Verify the installation against the lock' verify
}

# The checks of the result: title, expected output, command.
run_checks() {
  check_packages system
  check_packages fetch
  check_packages driver
  check_packages cuda
  check_packages service
  check_packages host-service
  check_packages tmux
  check_packages certificate
  check 'cuDNN 7.6.5.32' 7.6.5 sh -c 'sed -n "$1" "$2" | paste -s -d .' sh \
    's/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p' /usr/local/cuda-9.0/include/cudnn.h
  check 'Python of fastai' 3.6 /opt/rig/envs/fastai/bin/python -c \
    'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])'
  check 'packages of fastai' '' /opt/rig/envs/fastai/bin/python /opt/rig/lock/verify_packages.py \
    /opt/rig/lock/fastai.tools.txt /opt/rig/lock/fastai.requirements.txt /opt/rig/lock/fastai.sources.txt
  check 'GPUs in the login shell of alice' 0 runuser -l alice -c 'printenv CUDA_VISIBLE_DEVICES'
  check 'GPUs in the login shell of bob' 1 runuser -l bob -c 'printenv CUDA_VISIBLE_DEVICES'
  check 'secret DYNDNS' '# Written by rigspec.' grep -m1 -xF -e '# Written by rigspec.' /etc/ddclient.conf
  check 'secret JUPYTER_PASSWORD_HASH' /etc/rig/notebook/alice.password find /etc/rig/notebook/alice.password \
    -size +0
  check 'secret JUPYTER_PASSWORD_HASH' /etc/rig/notebook/bob.password find /etc/rig/notebook/bob.password -size \
    +0
  true
}

# The files of the lock that the steps use.
list_lock_files() {
  lock_files 4309a9ef02bbae7a0717ed85a8c50b2d8265ed13bc2cf257ee649fca121071dd packages.system.txt packages.fetch.txt \
    packages.driver.txt packages.cuda.txt packages.service.txt packages.host-service.txt packages.tmux.txt \
    packages.certificate.txt check-packages.sh apt-components.sh apt-source-line.sh notebook_config.py \
    notebook_health.py verify_packages.py fastai.requirements.txt fastai.tools.txt fastai.sources.txt \
    settings-fastai-keras gpus-of-users variables service-ssh-settings service-dyndns-interval \
    service-dyndns-settings session-fastai session-loader notebook-alice-settings notebook-alice \
    notebook-bob-settings notebook-bob
}

