#!/usr/bin/env bash
# A two-user fastai server
# Installs the rig dl-server, machine tower. Written by rigspec from the lock
# 396cd07f7dcc2c868cee4ca93419158f93f3709a00669f396bae1e7962ebde51.
#
# Run as root; run again at any time: what is done already is left alone.
#
# Left out:
# - services (jupyter, tmux, dyndns): rigspec checks them but does not install services yet; set them up by hand
# - the pin of packages of the repository nvidia-cuda: versions are locked, but neither a sha256 nor what they need: its server did not answer
# - the pin of base image ubuntu:16.04: no registry answered, and the matrix has no digest of it
set -euo pipefail

# Nothing below runs before the last line: a download that is cut off does nothing, and says so.
trap 'echo "install.sh: this file is not whole; fetch it again" >&2; exit 1' EXIT

readonly STEPS=(platform system-packages fetch-tools repository-nvidia-cuda driver cuda cudnn installer-anaconda3-5-2-0 env-fastai settings-fastai-keras user-alice user-bob variables service-packages service-ssh-settings service-ssh reboot verify)
readonly LOG=/var/log/rig.log
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE

usage() {
  cat <<'USAGE'
usage: install.sh [--help | --list | --dry-run | --step ID]

  --list      name the steps
  --dry-run   say which steps would be done, and change nothing
  --step ID   do this step only
USAGE
}

title() {
  case $1 in
    platform) printf '%s' 'This machine is ubuntu 16.04 on x86_64' ;;
    system-packages) printf '%s' 'Packages of the system' ;;
    fetch-tools) printf '%s' 'What fetches and checks files' ;;
    repository-nvidia-cuda) printf '%s' 'Package repository nvidia-cuda, its key checked' ;;
    driver) printf '%s' 'NVIDIA driver 465.19.01' ;;
    cuda) printf '%s' 'CUDA toolkit 9.0.176' ;;
    cudnn) printf '%s' 'cuDNN 7.6.5.32 built for CUDA 9.0' ;;
    installer-anaconda3-5-2-0) printf '%s' 'Anaconda3 5.2.0, which brings Python 3.6.5' ;;
    env-fastai) printf '%s' 'Python environment fastai' ;;
    settings-fastai-keras) printf '%s' 'Settings of keras for new accounts' ;;
    user-alice) printf '%s' 'Account alice' ;;
    user-bob) printf '%s' 'Account bob' ;;
    variables) printf '%s' 'Variables of every log-in session' ;;
    service-packages) printf '%s' 'Packages of the services' ;;
    service-ssh-settings) printf '%s' 'Settings of the secure shell' ;;
    service-ssh) printf '%s' 'The secure shell on port 22, for keys only' ;;
    reboot) printf '%s' 'Reboot into the new driver and kernel arguments' ;;
    verify) printf '%s' 'What is installed is what was locked' ;;
  esac
}

done_platform() {
  false
}

apply_platform() {
  test "$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"')" = ubuntu && \
    test "$(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')" = 16.04 && \
    test "$(uname -m)" = x86_64
}

done_system_packages() {
  test "$(cat /var/lib/rig/system-packages 2>/dev/null)" = 4c8828ab3581714a83e0293826b64dec1f3f75e61a6090b3f6fcb76ccc645269 && \
    sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.system.txt >/dev/null
}

apply_system_packages() {
  apt-get -qq update && \
    sh /opt/rig/lock/packages.sh archive /opt/rig/lock/packages.system.txt >&2 && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --allow-downgrades \
      'binutils=2.26.1-1ubuntu1~16.04.8' \
      build-essential=12.1ubuntu2 \
      git=1:2.7.4-0ubuntu1.10 \
      tmux=2.1-3build1 \
      unzip=6.0-20ubuntu1.1 \
      bzip2=1.0.6-8ubuntu0.2 \
      cpp=4:5.3.1-1ubuntu1 \
      'cpp-5=5.4.0-6ubuntu1~16.04.12' \
      dpkg-dev=1.18.4ubuntu1.7 \
      g++=4:5.3.1-1ubuntu1 \
      'g++-5=5.4.0-6ubuntu1~16.04.12' \
      gcc=4:5.3.1-1ubuntu1 \
      'gcc-5=5.4.0-6ubuntu1~16.04.12' \
      'gcc-5-base=5.4.0-6ubuntu1~16.04.12' \
      git-man=1:2.7.4-0ubuntu1.10 \
      'libasan2=5.4.0-6ubuntu1~16.04.12' \
      'libasn1-8-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      'libatomic1=5.4.0-6ubuntu1~16.04.12' \
      libbz2-1.0=1.0.6-8ubuntu0.2 \
      libc-dev-bin=2.23-0ubuntu11.3 \
      libc6=2.23-0ubuntu11.3 \
      libc6-dev=2.23-0ubuntu11.3 \
      'libcc1-0=5.4.0-6ubuntu1~16.04.12' \
      'libcilkrts5=5.4.0-6ubuntu1~16.04.12' \
      libcurl3-gnutls=7.47.0-1ubuntu2.19 \
      libdpkg-perl=1.18.4ubuntu1.7 \
      liberror-perl=0.17-1.2 \
      libevent-2.0-5=2.0.21-stable-2ubuntu0.16.04.1 \
      libexpat1=2.1.0-7ubuntu0.16.04.5 \
      libffi6=3.2.1-4 \
      'libgcc-5-dev=5.4.0-6ubuntu1~16.04.12' \
      libgdbm3=1.8.3-13.1 \
      libgmp10=2:6.1.0+dfsg-2 \
      libgnutls30=3.4.10-4ubuntu1.9 \
      'libgomp1=5.4.0-6ubuntu1~16.04.12' \
      libgssapi-krb5-2=1.13.2+dfsg-5ubuntu2.2 \
      'libgssapi3-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      'libhcrypto4-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      'libheimbase1-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      'libheimntlm0-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      libhogweed4=3.2-1ubuntu0.16.04.2 \
      'libhx509-5-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      libidn11=1.32-3ubuntu1.2 \
      libisl15=0.16.1-1 \
      'libitm1=5.4.0-6ubuntu1~16.04.12' \
      libk5crypto3=1.13.2+dfsg-5ubuntu2.2 \
      libkeyutils1=1.5.9-8ubuntu1 \
      'libkrb5-26-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      libkrb5-3=1.13.2+dfsg-5ubuntu2.2 \
      libkrb5support0=1.13.2+dfsg-5ubuntu2.2 \
      libldap-2.4-2=2.4.42+dfsg-2ubuntu3.13 \
      'liblsan0=5.4.0-6ubuntu1~16.04.12' \
      libmpc3=1.0.3-1 \
      libmpfr4=3.1.4-1 \
      'libmpx0=5.4.0-6ubuntu1~16.04.12' \
      libnettle6=3.2-1ubuntu0.16.04.2 \
      'libp11-kit0=0.23.2-5~ubuntu16.04.2' \
      libperl5.22=5.22.1-9ubuntu0.9 \
      'libquadmath0=5.4.0-6ubuntu1~16.04.12' \
      'libroken18-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      librtmp1=2.4+20151223.gitfa8646d-1ubuntu0.1 \
      libsasl2-2=2.1.26.dfsg1-14ubuntu0.2 \
      libsasl2-modules-db=2.1.26.dfsg1-14ubuntu0.2 \
      libsqlite3-0=3.11.0-1ubuntu1.5 \
      'libstdc++-5-dev=5.4.0-6ubuntu1~16.04.12' \
      'libstdc++6=5.4.0-6ubuntu1~16.04.12' \
      libtasn1-6=4.7-3ubuntu0.16.04.3 \
      'libtsan0=5.4.0-6ubuntu1~16.04.12' \
      'libubsan0=5.4.0-6ubuntu1~16.04.12' \
      libutempter0=1.1.6-3 \
      'libwind0-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      linux-libc-dev=4.4.0-210.242 \
      make=4.1-6 \
      patch=2.7.5-1ubuntu0.16.04.2 \
      perl=5.22.1-9ubuntu0.9 \
      perl-base=5.22.1-9ubuntu0.9 \
      perl-modules-5.22=5.22.1-9ubuntu0.9 \
      xz-utils=5.1.1alpha+20120614-2ubuntu2 >/dev/null && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 4c8828ab3581714a83e0293826b64dec1f3f75e61a6090b3f6fcb76ccc645269 > /var/lib/rig/system-packages
}

done_fetch_tools() {
  test "$(cat /var/lib/rig/fetch-tools 2>/dev/null)" = df949afa2696944473573a4532fabde1ad69ffb83e030effb5fced4815db95f0 && \
    sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.fetch.txt >/dev/null
}

apply_fetch_tools() {
  apt-get -qq update && \
    sh /opt/rig/lock/packages.sh archive /opt/rig/lock/packages.fetch.txt >&2 && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --allow-downgrades \
      bzip2=1.0.6-8ubuntu0.2 \
      'ca-certificates=20210119~16.04.1' \
      curl=7.47.0-1ubuntu2.19 \
      gnupg=1.4.20-1ubuntu3.3 \
      'libasn1-8-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      libbz2-1.0=1.0.6-8ubuntu0.2 \
      libc6=2.23-0ubuntu11.3 \
      libcurl3-gnutls=7.47.0-1ubuntu2.19 \
      libffi6=3.2.1-4 \
      libgmp10=2:6.1.0+dfsg-2 \
      libgnutls30=3.4.10-4ubuntu1.9 \
      libgssapi-krb5-2=1.13.2+dfsg-5ubuntu2.2 \
      'libgssapi3-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      'libhcrypto4-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      'libheimbase1-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      'libheimntlm0-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      libhogweed4=3.2-1ubuntu0.16.04.2 \
      'libhx509-5-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      libidn11=1.32-3ubuntu1.2 \
      libk5crypto3=1.13.2+dfsg-5ubuntu2.2 \
      libkeyutils1=1.5.9-8ubuntu1 \
      'libkrb5-26-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      libkrb5-3=1.13.2+dfsg-5ubuntu2.2 \
      libkrb5support0=1.13.2+dfsg-5ubuntu2.2 \
      libldap-2.4-2=2.4.42+dfsg-2ubuntu3.13 \
      libnettle6=3.2-1ubuntu0.16.04.2 \
      'libp11-kit0=0.23.2-5~ubuntu16.04.2' \
      'libroken18-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      librtmp1=2.4+20151223.gitfa8646d-1ubuntu0.1 \
      libsasl2-2=2.1.26.dfsg1-14ubuntu0.2 \
      libsasl2-modules-db=2.1.26.dfsg1-14ubuntu0.2 \
      libsqlite3-0=3.11.0-1ubuntu1.5 \
      libssl1.0.0=1.0.2g-1ubuntu4.20 \
      libtasn1-6=4.7-3ubuntu0.16.04.3 \
      'libwind0-heimdal=1.7~git20150920+dfsg-4ubuntu1.16.04.1' \
      openssl=1.0.2g-1ubuntu4.20 >/dev/null && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' df949afa2696944473573a4532fabde1ad69ffb83e030effb5fced4815db95f0 > /var/lib/rig/fetch-tools
}

done_repository_nvidia_cuda() {
  test -s /etc/apt/keyrings/nvidia-cuda.gpg && \
    test -s /etc/apt/sources.list.d/nvidia-cuda.list && \
    test "$(cat /var/lib/rig/repository-nvidia-cuda 2>/dev/null)" = face2905095a00e87360344ebe4a593f6afecbedd6b3a45a9bc77e69f36401d3
}

apply_repository_nvidia_cuda() {
  mkdir -p /etc/apt/keyrings && \
    curl --fail --silent --show-error --location --retry 3 --proto =https --output /etc/apt/keyrings/nvidia-cuda.asc https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1604/x86_64/3bf863cc.pub && \
    test "$(gpg --batch --with-colons --with-fingerprint /etc/apt/keyrings/nvidia-cuda.asc 2>/dev/null | grep -c '^pub:')" = 1 && \
    test "$(gpg --batch --with-colons --with-fingerprint /etc/apt/keyrings/nvidia-cuda.asc 2>/dev/null | sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -n 1)" = EB693B3035CD5710E231E123A4B469963BF863CC && \
    gpg --batch --yes --dearmor --output /etc/apt/keyrings/nvidia-cuda.gpg /etc/apt/keyrings/nvidia-cuda.asc && \
    printf 'deb [signed-by=%s lang=none] %s %s %s\n' /etc/apt/keyrings/nvidia-cuda.gpg https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1604/x86_64 / '' > /etc/apt/sources.list.d/nvidia-cuda.list && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' face2905095a00e87360344ebe4a593f6afecbedd6b3a45a9bc77e69f36401d3 > /var/lib/rig/repository-nvidia-cuda
}

done_driver() {
  test "$(cat /var/lib/rig/driver 2>/dev/null)" = 09e06cd238f0ec9f278af81219a204a2f52c60a2b67bf1b33801bbcf1281502e && \
    sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.driver.txt >/dev/null
}

apply_driver() {
  apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --allow-change-held-packages cuda-drivers=465.19.01-1 >/dev/null && \
    apt-mark hold cuda-drivers >/dev/null && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 09e06cd238f0ec9f278af81219a204a2f52c60a2b67bf1b33801bbcf1281502e > /var/lib/rig/driver
}

done_cuda() {
  test "$(cat /var/lib/rig/cuda 2>/dev/null)" = ace3879f27510965c57f1f0d522895309c5578f71bd28bbb606c7dcbf2b0128c && \
    sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.cuda.txt >/dev/null
}

apply_cuda() {
  apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --allow-change-held-packages cuda-toolkit-9-0=9.0.176-1 >/dev/null && \
    apt-mark hold cuda-toolkit-9-0 >/dev/null && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' ace3879f27510965c57f1f0d522895309c5578f71bd28bbb606c7dcbf2b0128c > /var/lib/rig/cuda
}

done_cudnn() {
  test -e /usr/local/cuda-9.0/include/cudnn.h && \
    test "$(cat /var/lib/rig/cudnn 2>/dev/null)" = bd0a4c0090d5b02feec3f195738968690cc2470b9bc6026e6fe8ff245cd261c8
}

apply_cudnn() {
  mkdir -p /var/cache/rig /usr/local/cuda-9.0 && \
    curl --fail --silent --show-error --location --retry 3 --output /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz https://developer.download.nvidia.com/compute/redist/cudnn/v7.6.5/cudnn-9.0-linux-x64-v7.6.5.32.tgz && \
    printf '%s  %s\n' bd0a4c0090d5b02feec3f195738968690cc2470b9bc6026e6fe8ff245cd261c8 /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz | sha256sum --check --status && \
    tar --extract --gzip --no-same-owner --strip-components=1 --directory /usr/local/cuda-9.0 --file /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz && \
    rm -f /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' bd0a4c0090d5b02feec3f195738968690cc2470b9bc6026e6fe8ff245cd261c8 > /var/lib/rig/cudnn
}

done_installer_anaconda3_5_2_0() {
  test -e /opt/rig/anaconda3-5.2.0/bin/python && \
    test "$(cat /var/lib/rig/installer-anaconda3-5-2-0 2>/dev/null)" = 09f53738b0cd3bb96f5b1bac488e5528df9906be2480fe61df40e0e0d19e3d48
}

apply_installer_anaconda3_5_2_0() {
  mkdir -p /var/cache/rig && \
    curl --fail --silent --show-error --location --retry 3 --output /var/cache/rig/Anaconda3-5.2.0-Linux-x86_64.sh https://repo.anaconda.com/archive/Anaconda3-5.2.0-Linux-x86_64.sh && \
    printf '%s  %s\n' 09f53738b0cd3bb96f5b1bac488e5528df9906be2480fe61df40e0e0d19e3d48 /var/cache/rig/Anaconda3-5.2.0-Linux-x86_64.sh | sha256sum --check --status && \
    rm -rf /opt/rig/anaconda3-5.2.0 && \
    mkdir -p "$(dirname /opt/rig/anaconda3-5.2.0)" && \
    bash /var/cache/rig/Anaconda3-5.2.0-Linux-x86_64.sh -b -p /opt/rig/anaconda3-5.2.0 >/dev/null && \
    rm -f /var/cache/rig/Anaconda3-5.2.0-Linux-x86_64.sh && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 09f53738b0cd3bb96f5b1bac488e5528df9906be2480fe61df40e0e0d19e3d48 > /var/lib/rig/installer-anaconda3-5-2-0
}

done_env_fastai() {
  test -x /opt/rig/envs/fastai/bin/python && \
    test "$(cat /var/lib/rig/env-fastai 2>/dev/null)" = 4a07b3f51c95c3a9923b1b40c95e69f9db3d2067b50f7d5420ab1b6f9dc05899
}

apply_env_fastai() {
  rm -rf /opt/rig/envs/fastai && \
    mkdir -p "$(dirname /opt/rig/envs/fastai)" && \
    /opt/rig/anaconda3-5.2.0/bin/python -m venv /opt/rig/envs/fastai >/dev/null && \
    /opt/rig/envs/fastai/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --upgrade -r /opt/rig/lock/fastai.tools.txt && \
    /opt/rig/envs/fastai/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --no-deps -r /opt/rig/lock/fastai.requirements.txt && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 4a07b3f51c95c3a9923b1b40c95e69f9db3d2067b50f7d5420ab1b6f9dc05899 > /var/lib/rig/env-fastai
}

done_settings_fastai_keras() {
  test "$(stat -c %a /etc/skel/.keras/keras.json 2>/dev/null)" = 644 && \
    printf '%s  %s\n' 1648778833f8c671aa3d961544ee97930a142d7572d0637a67a0cc26ccd09eb2 /etc/skel/.keras/keras.json | sha256sum --check --status
}

apply_settings_fastai_keras() {
  install -D -m 0644 -o root -g root /opt/rig/lock/settings-fastai-keras /etc/skel/.keras/keras.json
}

done_user_alice() {
  id -u alice >/dev/null 2>&1 && \
    test "$(cat /var/lib/rig/user-alice 2>/dev/null)" = e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
}

apply_user_alice() {
  id -u alice >/dev/null 2>&1 || useradd --create-home --shell /bin/bash alice && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 > /var/lib/rig/user-alice
}

done_user_bob() {
  id -u bob >/dev/null 2>&1 && \
    test "$(cat /var/lib/rig/user-bob 2>/dev/null)" = e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
}

apply_user_bob() {
  id -u bob >/dev/null 2>&1 || useradd --create-home --shell /bin/bash bob && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 > /var/lib/rig/user-bob
}

done_variables() {
  test "$(stat -c %a /etc/profile.d/rig-dl-server.sh 2>/dev/null)" = 644 && \
    printf '%s  %s\n' dfc8535d9cbf4f2beb826deb4ac2bc0ba3bc08ebd2746f69c73d1a8a024a79b1 /etc/profile.d/rig-dl-server.sh | sha256sum --check --status
}

apply_variables() {
  install -D -m 0644 -o root -g root /opt/rig/lock/variables /etc/profile.d/rig-dl-server.sh
}

done_service_packages() {
  test "$(cat /var/lib/rig/service-packages 2>/dev/null)" = 798645d116c9bad33493199ceaf01f674f2577bc7b86ab7228e122eafb216d01 && \
    sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.service.txt >/dev/null
}

apply_service_packages() {
  apt-get -qq update && \
    sh /opt/rig/lock/packages.sh archive /opt/rig/lock/packages.service.txt >&2 && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --allow-downgrades \
      openssh-server=1:7.2p2-4ubuntu2.10 \
      libbsd0=0.8.2-1ubuntu0.1 \
      libc6=2.23-0ubuntu11.3 \
      libedit2=3.1-20150325-1ubuntu2 \
      libgssapi-krb5-2=1.13.2+dfsg-5ubuntu2.2 \
      libk5crypto3=1.13.2+dfsg-5ubuntu2.2 \
      libkeyutils1=1.5.9-8ubuntu1 \
      libkrb5-3=1.13.2+dfsg-5ubuntu2.2 \
      libkrb5support0=1.13.2+dfsg-5ubuntu2.2 \
      libssl1.0.0=1.0.2g-1ubuntu4.20 \
      libwrap0=7.6.q-25 \
      openssh-client=1:7.2p2-4ubuntu2.10 \
      openssh-sftp-server=1:7.2p2-4ubuntu2.10 >/dev/null && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 798645d116c9bad33493199ceaf01f674f2577bc7b86ab7228e122eafb216d01 > /var/lib/rig/service-packages
}

done_service_ssh_settings() {
  test "$(stat -c %a /etc/default/ssh 2>/dev/null)" = 644 && \
    printf '%s  %s\n' 32fe2d0d194cf1311b26bc06764f51f0645e6e5bb64e0ef748127f7763d9f46c /etc/default/ssh | sha256sum --check --status
}

apply_service_ssh_settings() {
  install -D -m 0644 -o root -g root /opt/rig/lock/service-ssh-settings /etc/default/ssh
}

done_service_ssh() {
  test "$(cat /var/lib/rig/service-ssh 2>/dev/null)" = 33b3eed3c2486e45a74c49db226c587f0775963197b27fc7223f1fed3388ea0b && \
    { ! command -v systemctl >/dev/null || systemctl is-enabled --quiet ssh.service; } && \
    { ! test -d /run/systemd/system || systemctl is-active --quiet ssh.service; }
}

apply_service_ssh() {
  { ! command -v systemctl >/dev/null || systemctl enable --quiet ssh.service; } && \
    { ! test -d /run/systemd/system || { systemctl daemon-reload && systemctl restart ssh.service; }; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 33b3eed3c2486e45a74c49db226c587f0775963197b27fc7223f1fed3388ea0b > /var/lib/rig/service-ssh
}

done_reboot() {
  test "$(cat /var/lib/rig/reboot 2>/dev/null)" = 49a081a4ffc541eac40f325633e0da7f4f9b57e39cbf611f688c5454850c6ab4
}

apply_reboot() {
  printf '%s\n' 'a reboot is due: a kernel module and kernel arguments take effect at boot' >&2 && \
    mkdir -p /var/lib/rig && \
    cat /proc/sys/kernel/random/boot_id > /var/lib/rig/.reboot-due.new && \
    mv -fT /var/lib/rig/.reboot-due.new /var/lib/rig/reboot-due && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 49a081a4ffc541eac40f325633e0da7f4f9b57e39cbf611f688c5454850c6ab4 > /var/lib/rig/reboot
}

done_verify() {
  false
}

apply_verify() {
  { found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.system.txt | paste -s -d ' ' -) || true; } && \
    { test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (system)' 'as locked' "$found" >&2; false; }; } && \
    { found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.fetch.txt | paste -s -d ' ' -) || true; } && \
    { test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (fetch)' 'as locked' "$found" >&2; false; }; } && \
    { found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.driver.txt | paste -s -d ' ' -) || true; } && \
    { test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (driver)' 'as locked' "$found" >&2; false; }; } && \
    { found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.cuda.txt | paste -s -d ' ' -) || true; } && \
    { test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (cuda)' 'as locked' "$found" >&2; false; }; } && \
    { found=$(sh /opt/rig/lock/packages.sh installed /opt/rig/lock/packages.service.txt | paste -s -d ' ' -) || true; } && \
    { test "$found" = 'as locked' || { printf '%s: the lock says "%s", found "%s"\n' 'packages (service)' 'as locked' "$found" >&2; false; }; } && \
    { found=$(sed -n 's/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p' /usr/local/cuda-9.0/include/cudnn.h | paste -s -d ' ' -) || true; } && \
    { test "$found" = '7 6 5' || { printf '%s: the lock says "%s", found "%s"\n' 'cuDNN 7.6.5.32' '7 6 5' "$found" >&2; false; }; } && \
    { found=$(/opt/rig/envs/fastai/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])' | paste -s -d ' ' -) || true; } && \
    { test "$found" = 3.6 || { printf '%s: the lock says "%s", found "%s"\n' 'Python of fastai' 3.6 "$found" >&2; false; }; } && \
    { found=$(/opt/rig/envs/fastai/bin/python /opt/rig/lock/installed.py /opt/rig/lock/fastai.tools.txt /opt/rig/lock/fastai.requirements.txt | paste -s -d ' ' -) || true; } && \
    { test "$found" = '' || { printf '%s: the lock says "%s", found "%s"\n' 'packages of fastai' '' "$found" >&2; false; }; }
}

say() {
  printf '%s\n' "$*"
  [ "$DRY_RUN" = yes ] || printf '%s\n' "$*" >>"$LOG"
}

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# The lock's own files, where every step finds them.
place_lock() {
  local file
  for file in "$HERE"/files/*; do
    cmp -s "$file" "/opt/rig/lock/${file##*/}" || install -D -m 0644 "$file" "/opt/rig/lock/${file##*/}"
  done
}

run_step() {
  local id=$1 name=${1//[^a-z0-9]/_}
  if "done_$name"; then
    say "ok       $(title "$id")"
  elif [ "$DRY_RUN" = yes ]; then
    say "would do $(title "$id")"
  else
    say "doing    $(title "$id")"
    if ! "apply_$name" 2>&1 | tee -a "$LOG"; then
      fail "step $id failed: $(title "$id"); $LOG has the rest. It can be run again."
    fi
  fi
}

main() {
  local only='' id
  DRY_RUN=no
  while [ $# -gt 0 ]; do
    case $1 in
      --help) usage; return ;;
      --list) printf '%s\n' "${STEPS[@]}"; return ;;
      --dry-run) DRY_RUN=yes ;;
      --step)
        [ $# -ge 2 ] || fail "--step wants a step's id"
        only=$2
        shift
        ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  [ "$(id -u)" -eq 0 ] || fail "run this as root"
  apply_platform || fail "$(title platform): this is another machine, and nothing was changed"
  mkdir -p /run/lock
  exec 9>/run/lock/rig.lock
  flock --nonblock 9 || fail "another installation is running"
  [ "$DRY_RUN" = yes ] || place_lock
  for id in "${STEPS[@]}"; do
    if [ "$id" != platform ] && { [ -z "$only" ] || [ "$id" = "$only" ]; }; then
      run_step "$id"
    fi
  done
}

trap - EXIT
main "$@"
