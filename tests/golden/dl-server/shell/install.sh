#!/usr/bin/env bash
# A two-user fastai server
# Installs the rig dl-server, machine tower. Written by rigspec from lock
# c4461a5746bffa230e4a56138a7491dfaa2cc1d76c11fba9d06e0f6b6dcfa2b4.
#
# Run as root. Safe to re-run: completed steps are skipped.
#
# Not included:
# - pinning of packages of the repository nvidia-cuda: versions are locked, but neither a sha256 nor what they need: its server did not answer
# - pinning of base image ubuntu:16.04: no registry answered, and the matrix has no digest of it
set -euo pipefail

# Nothing runs before the last line, so a truncated download does nothing but report it.
trap 'echo install.sh": this file is truncated; download it again" >&2; exit 1' EXIT

readonly NAME=install.sh
readonly RIG_NAME=dl-server
readonly STEPS=(platform archive system-packages fetch-tools repository-nvidia-cuda driver cuda cudnn installer-anaconda3-5-2-0 env-fastai settings-fastai-keras user-alice user-bob gpus-of-users variables service-packages service-ssh-settings service-ssh service-dyndns-interval host-service-packages service-dyndns-settings service-dyndns session-fastai session-loader tmux-packages certificate-tools notebook-alice-certificate notebook-alice-password notebook-alice-settings notebook-alice notebook-bob-certificate notebook-bob-password notebook-bob-settings notebook-bob reboot verify)
readonly LOG=/var/log/rig.log
readonly STATE=/var/lib/rig
readonly RECORDS=$STATE/owned

usage() {
  cat <<USAGE
usage: $NAME [--dry-run] [--step ID] [--allow-removals | --uninstall]
       $NAME --list | --help

Installs the rig. Each step is skipped if already complete. The result is verified against the lock.
Safe to interrupt at any time and run again.

  --list        list the steps
  --dry-run     print what would be done without changing anything
  --step ID     run only this step
  --uninstall   remove what was installed, in reverse order. Keeps and lists: packages that were already
                installed or that others depend on, modified files, accounts and their home directories.
                Does not prompt
  --allow-removals
                allow apt to remove conflicting packages that do not belong to the rig; by default, the
                step lists them and fails without changing anything
  --help        print this help

log:   $LOG
state: $STATE (completed steps, and records of what was installed)

exit status:
  0    success; if a reboot is required, it is reported, and $STATE/reboot-due exists until then
  1    a step failed, this is the wrong machine, or something differs from the lock
  2    usage error
  129, 130, 143   stopped by a signal
USAGE
}

title() {
  case $1 in
    platform) printf '%s' 'Platform: ubuntu 16.04 on x86_64' ;;
    archive) printf '%s' 'Apt components of the distribution' ;;
    system-packages) printf '%s' 'System packages' ;;
    fetch-tools) printf '%s' 'Packages: download tools' ;;
    repository-nvidia-cuda) printf '%s' 'Apt repository: nvidia-cuda' ;;
    driver) printf '%s' 'NVIDIA driver 465.19.01' ;;
    cuda) printf '%s' 'CUDA toolkit 9.0.176' ;;
    cudnn) printf '%s' 'cuDNN 7.6.5.32 for CUDA 9.0' ;;
    installer-anaconda3-5-2-0) printf '%s' 'Anaconda3 5.2.0 (Python 3.6.5)' ;;
    env-fastai) printf '%s' 'Python environment fastai' ;;
    settings-fastai-keras) printf '%s' 'Settings of keras for new accounts' ;;
    user-alice) printf '%s' 'Account alice' ;;
    user-bob) printf '%s' 'Account bob' ;;
    gpus-of-users) printf '%s' 'GPU assignment of users' ;;
    variables) printf '%s' 'Variables of login sessions' ;;
    service-packages) printf '%s' 'Packages: services' ;;
    service-ssh-settings) printf '%s' 'sshd configuration' ;;
    service-ssh) printf '%s' 'sshd on port 22, keys only' ;;
    service-dyndns-interval) printf '%s' 'ddclient update interval' ;;
    host-service-packages) printf '%s' 'Packages: monitoring and dynamic DNS' ;;
    service-dyndns-settings) printf '%s' 'ddclient configuration' ;;
    service-dyndns) printf '%s' 'ddclient service (rig.example.org)' ;;
    session-fastai) printf '%s' 'tmux layout: fastai' ;;
    session-loader) printf '%s' 'Command rig-tmux' ;;
    tmux-packages) printf '%s' 'Packages: tmux' ;;
    certificate-tools) printf '%s' 'Packages: openssl' ;;
    notebook-alice-certificate) printf '%s' 'Notebook certificate of alice' ;;
    notebook-alice-password) printf '%s' 'Notebook password of alice' ;;
    notebook-alice-settings) printf '%s' 'Notebook settings of alice' ;;
    notebook-alice) printf '%s' 'Notebook server of alice, port 8888' ;;
    notebook-bob-certificate) printf '%s' 'Notebook certificate of bob' ;;
    notebook-bob-password) printf '%s' 'Notebook password of bob' ;;
    notebook-bob-settings) printf '%s' 'Notebook settings of bob' ;;
    notebook-bob) printf '%s' 'Notebook server of bob, port 8889' ;;
    reboot) printf '%s' 'Reboot for driver and kernel arguments' ;;
    verify) printf '%s' 'Verify the installation against the lock' ;;
  esac
}

is_done_platform() {
  found="$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"') $(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')" && \
    { test "$found" = 'ubuntu 16.04' || { printf 'this rig is for %s, but this machine runs %s\n' 'ubuntu 16.04' "$found" >&2; false; }; } && \
    found=$(uname -m) && \
    { test "$found" = x86_64 || { printf 'this rig is for %s, but this machine is %s\n' x86_64 "$found" >&2; false; }; }
}

apply_platform() {
  found="$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"') $(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')" && \
    { test "$found" = 'ubuntu 16.04' || { printf 'this rig is for %s, but this machine runs %s\n' 'ubuntu 16.04' "$found" >&2; false; }; } && \
    found=$(uname -m) && \
    { test "$found" = x86_64 || { printf 'this rig is for %s, but this machine is %s\n' x86_64 "$found" >&2; false; }; }
}

remove_platform() {
  remove_step_state platform
}

is_done_archive() {
  test -s /etc/apt/sources.list.d/rig.list && \
    test "$(cat /var/lib/rig/archive 2>/dev/null)" = c5fdce5fdb1f50c11fd1977eefe21bb6a82fbfc7e01561024186d3b00c1b266f
}

apply_archive() {
  rm -f /etc/apt/sources.list.d/rig.list && \
    apt-get -qq update && \
    sh /opt/rig/lock/apt-components.sh 'xenial xenial-updates xenial-security' main 'restricted universe multiverse' > /etc/apt/sources.list.d/rig.list.rig-new && \
    record_file /etc/apt/sources.list.d/rig.list && \
    mv -fT /etc/apt/sources.list.d/rig.list.rig-new /etc/apt/sources.list.d/rig.list && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' c5fdce5fdb1f50c11fd1977eefe21bb6a82fbfc7e01561024186d3b00c1b266f > /var/lib/rig/.archive.new && \
    mv -fT /var/lib/rig/.archive.new /var/lib/rig/archive
}

remove_archive() {
  remove_step_state archive && \
    restore_file /etc/apt/sources.list.d/rig.list
}

is_done_system_packages() {
  test "$(cat /var/lib/rig/system-packages 2>/dev/null)" = 4c8828ab3581714a83e0293826b64dec1f3f75e61a6090b3f6fcb76ccc645269 && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.system.txt >/dev/null
}

apply_system_packages() {
  refresh_packages && \
    sh /opt/rig/lock/check-packages.sh archive /opt/rig/lock/packages.system.txt >&2 && \
    install_packages system-packages --allow-downgrades \
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
      xz-utils=5.1.1alpha+20120614-2ubuntu2 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 4c8828ab3581714a83e0293826b64dec1f3f75e61a6090b3f6fcb76ccc645269 > /var/lib/rig/.system-packages.new && \
    mv -fT /var/lib/rig/.system-packages.new /var/lib/rig/system-packages
}

remove_system_packages() {
  remove_step_state system-packages && \
    purge_packages system-packages binutils build-essential git tmux unzip bzip2 cpp cpp-5 dpkg-dev g++ g++-5 gcc gcc-5 gcc-5-base git-man libasan2 libasn1-8-heimdal libatomic1 libbz2-1.0 libc-dev-bin libc6 libc6-dev libcc1-0 libcilkrts5 libcurl3-gnutls libdpkg-perl liberror-perl libevent-2.0-5 libexpat1 libffi6 libgcc-5-dev libgdbm3 libgmp10 libgnutls30 libgomp1 libgssapi-krb5-2 libgssapi3-heimdal libhcrypto4-heimdal libheimbase1-heimdal libheimntlm0-heimdal libhogweed4 libhx509-5-heimdal libidn11 libisl15 libitm1 libk5crypto3 libkeyutils1 libkrb5-26-heimdal libkrb5-3 libkrb5support0 libldap-2.4-2 liblsan0 libmpc3 libmpfr4 libmpx0 libnettle6 libp11-kit0 libperl5.22 libquadmath0 libroken18-heimdal librtmp1 libsasl2-2 libsasl2-modules-db libsqlite3-0 libstdc++-5-dev libstdc++6 libtasn1-6 libtsan0 libubsan0 libutempter0 libwind0-heimdal linux-libc-dev make patch perl perl-base perl-modules-5.22 xz-utils
}

is_done_fetch_tools() {
  test "$(cat /var/lib/rig/fetch-tools 2>/dev/null)" = df949afa2696944473573a4532fabde1ad69ffb83e030effb5fced4815db95f0 && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.fetch.txt >/dev/null
}

apply_fetch_tools() {
  refresh_packages && \
    sh /opt/rig/lock/check-packages.sh archive /opt/rig/lock/packages.fetch.txt >&2 && \
    install_packages fetch-tools --allow-downgrades \
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
      openssl=1.0.2g-1ubuntu4.20 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' df949afa2696944473573a4532fabde1ad69ffb83e030effb5fced4815db95f0 > /var/lib/rig/.fetch-tools.new && \
    mv -fT /var/lib/rig/.fetch-tools.new /var/lib/rig/fetch-tools
}

remove_fetch_tools() {
  remove_step_state fetch-tools && \
    purge_packages fetch-tools bzip2 ca-certificates curl gnupg libasn1-8-heimdal libbz2-1.0 libc6 libcurl3-gnutls libffi6 libgmp10 libgnutls30 libgssapi-krb5-2 libgssapi3-heimdal libhcrypto4-heimdal libheimbase1-heimdal libheimntlm0-heimdal libhogweed4 libhx509-5-heimdal libidn11 libk5crypto3 libkeyutils1 libkrb5-26-heimdal libkrb5-3 libkrb5support0 libldap-2.4-2 libnettle6 libp11-kit0 libroken18-heimdal librtmp1 libsasl2-2 libsasl2-modules-db libsqlite3-0 libssl1.0.0 libtasn1-6 libwind0-heimdal openssl
}

is_done_repository_nvidia_cuda() {
  test -s /etc/apt/keyrings/nvidia-cuda.gpg && \
    sh /opt/rig/lock/apt-source-line.sh /etc/apt/sources.list.d/nvidia-cuda.list /etc/apt/keyrings/nvidia-cuda.gpg EB693B3035CD5710E231E123A4B469963BF863CC https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1604/x86_64 / | cmp -s - /etc/apt/sources.list.d/nvidia-cuda.list && \
    test "$(cat /var/lib/rig/repository-nvidia-cuda 2>/dev/null)" = face2905095a00e87360344ebe4a593f6afecbedd6b3a45a9bc77e69f36401d3
}

apply_repository_nvidia_cuda() {
  { source_line=$(sh /opt/rig/lock/apt-source-line.sh /etc/apt/sources.list.d/nvidia-cuda.list /etc/apt/keyrings/nvidia-cuda.gpg EB693B3035CD5710E231E123A4B469963BF863CC https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1604/x86_64 /) || { restore_file /etc/apt/sources.list.d/nvidia-cuda.list; false; }; } && \
    record_dir "$(dirname /etc/apt/keyrings/nvidia-cuda.gpg)" && \
    mkdir -p "$(dirname /etc/apt/keyrings/nvidia-cuda.gpg)" && \
    mkdir -p /var/cache/rig && \
    install -d -m 0700 /var/cache/rig/gnupg && \
    curl --fail --silent --show-error --location --retry 3 --proto '=https' --output /var/cache/rig/nvidia-cuda.asc https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1604/x86_64/3bf863cc.pub && \
    test "$(gpg --homedir /var/cache/rig/gnupg --batch --with-colons --with-fingerprint /var/cache/rig/nvidia-cuda.asc 2>/dev/null | grep -c '^pub:')" = 1 && \
    test "$(gpg --homedir /var/cache/rig/gnupg --batch --with-colons --with-fingerprint /var/cache/rig/nvidia-cuda.asc 2>/dev/null | sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -n 1)" = EB693B3035CD5710E231E123A4B469963BF863CC && \
    gpg --homedir /var/cache/rig/gnupg --batch --yes --dearmor --output /etc/apt/keyrings/nvidia-cuda.gpg.rig-new /var/cache/rig/nvidia-cuda.asc && \
    chmod 0644 /etc/apt/keyrings/nvidia-cuda.gpg.rig-new && \
    record_file /etc/apt/keyrings/nvidia-cuda.gpg && \
    mv -fT /etc/apt/keyrings/nvidia-cuda.gpg.rig-new /etc/apt/keyrings/nvidia-cuda.gpg && \
    rm -rf /var/cache/rig/gnupg /var/cache/rig/nvidia-cuda.asc && \
    printf '%s\n' "$source_line" > /etc/apt/sources.list.d/nvidia-cuda.list.rig-new && \
    record_file /etc/apt/sources.list.d/nvidia-cuda.list && \
    mv -fT /etc/apt/sources.list.d/nvidia-cuda.list.rig-new /etc/apt/sources.list.d/nvidia-cuda.list && \
    { apt-get indextargets >/dev/null || { restore_file /etc/apt/sources.list.d/nvidia-cuda.list; printf 'apt cannot read its sources together with %s, which was removed again: remove the other source of %s and run this again\n' /etc/apt/sources.list.d/nvidia-cuda.list https://developer.download.nvidia.com/compute/cuda/repos/ubuntu1604/x86_64 >&2; false; }; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' face2905095a00e87360344ebe4a593f6afecbedd6b3a45a9bc77e69f36401d3 > /var/lib/rig/.repository-nvidia-cuda.new && \
    mv -fT /var/lib/rig/.repository-nvidia-cuda.new /var/lib/rig/repository-nvidia-cuda
}

remove_repository_nvidia_cuda() {
  remove_step_state repository-nvidia-cuda && \
    restore_file /etc/apt/sources.list.d/nvidia-cuda.list && \
    restore_file /etc/apt/keyrings/nvidia-cuda.gpg
}

is_done_driver() {
  test "$(cat /var/lib/rig/driver 2>/dev/null)" = 09e06cd238f0ec9f278af81219a204a2f52c60a2b67bf1b33801bbcf1281502e && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.driver.txt >/dev/null
}

apply_driver() {
  refresh_packages && \
    { test -e "/lib/modules/$(uname -r)/build" || DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "linux-headers-$(uname -r)" >/dev/null 2>&1 || printf 'the headers of the kernel %s are not available: the modules of the driver cannot be built\n' "$(uname -r)" >&2; } && \
    install_packages driver --allow-change-held-packages cuda-drivers=465.19.01-1 && \
    record_holds cuda-drivers && \
    apt-mark hold cuda-drivers >/dev/null && \
    { ! mokutil --sb-state 2>/dev/null | grep -q 'SecureBoot enabled' || printf 'Secure Boot is enabled: the driver does not load before its signing key is enrolled (mokutil --import, then reboot)\n' >&2; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 09e06cd238f0ec9f278af81219a204a2f52c60a2b67bf1b33801bbcf1281502e > /var/lib/rig/.driver.new && \
    mv -fT /var/lib/rig/.driver.new /var/lib/rig/driver
}

remove_driver() {
  remove_step_state driver && \
    release_holds cuda-drivers && \
    purge_packages driver cuda-drivers
}

is_done_cuda() {
  test "$(cat /var/lib/rig/cuda 2>/dev/null)" = ace3879f27510965c57f1f0d522895309c5578f71bd28bbb606c7dcbf2b0128c && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.cuda.txt >/dev/null
}

apply_cuda() {
  refresh_packages && \
    install_packages cuda --allow-change-held-packages cuda-toolkit-9-0=9.0.176-1 && \
    record_holds cuda-toolkit-9-0 && \
    apt-mark hold cuda-toolkit-9-0 >/dev/null && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' ace3879f27510965c57f1f0d522895309c5578f71bd28bbb606c7dcbf2b0128c > /var/lib/rig/.cuda.new && \
    mv -fT /var/lib/rig/.cuda.new /var/lib/rig/cuda
}

remove_cuda() {
  remove_step_state cuda && \
    release_holds cuda-toolkit-9-0 && \
    purge_packages cuda cuda-toolkit-9-0
}

is_done_cudnn() {
  test -e /usr/local/cuda-9.0/include/cudnn.h && \
    test "$(cat /var/lib/rig/cudnn 2>/dev/null)" = bd0a4c0090d5b02feec3f195738968690cc2470b9bc6026e6fe8ff245cd261c8
}

apply_cudnn() {
  record_dir /usr/local/cuda-9.0 && \
    mkdir -p /var/cache/rig /usr/local/cuda-9.0 && \
    curl --fail --silent --show-error --location --retry 3 --output /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz https://developer.download.nvidia.com/compute/redist/cudnn/v7.6.5/cudnn-9.0-linux-x64-v7.6.5.32.tgz && \
    { printf '%s  %s\n' bd0a4c0090d5b02feec3f195738968690cc2470b9bc6026e6fe8ff245cd261c8 /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz | sha256sum --check --status || { printf 'checksum mismatch: %s does not match the lock\n' https://developer.download.nvidia.com/compute/redist/cudnn/v7.6.5/cudnn-9.0-linux-x64-v7.6.5.32.tgz >&2; false; }; } && \
    record_contents cudnn /usr/local/cuda-9.0 && \
    back_up_members cudnn /usr/local/cuda-9.0 1 /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz && \
    tar --extract --no-same-owner --keep-directory-symlink --strip-components=1 --directory /usr/local/cuda-9.0 --file /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz && \
    record_new_contents cudnn /usr/local/cuda-9.0 && \
    rm -f /var/cache/rig/cudnn-9.0-linux-x64-v7.6.5.32.tgz && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' bd0a4c0090d5b02feec3f195738968690cc2470b9bc6026e6fe8ff245cd261c8 > /var/lib/rig/.cudnn.new && \
    mv -fT /var/lib/rig/.cudnn.new /var/lib/rig/cudnn
}

remove_cudnn() {
  remove_step_state cudnn && \
    restore_contents cudnn /usr/local/cuda-9.0
}

is_done_installer_anaconda3_5_2_0() {
  test -e /opt/rig/anaconda3-5.2.0/bin/python && \
    test "$(cat /var/lib/rig/installer-anaconda3-5-2-0 2>/dev/null)" = 09f53738b0cd3bb96f5b1bac488e5528df9906be2480fe61df40e0e0d19e3d48
}

apply_installer_anaconda3_5_2_0() {
  mkdir -p /var/cache/rig && \
    curl --fail --silent --show-error --location --retry 3 --output /var/cache/rig/Anaconda3-5.2.0-Linux-x86_64.sh https://repo.anaconda.com/archive/Anaconda3-5.2.0-Linux-x86_64.sh && \
    { printf '%s  %s\n' 09f53738b0cd3bb96f5b1bac488e5528df9906be2480fe61df40e0e0d19e3d48 /var/cache/rig/Anaconda3-5.2.0-Linux-x86_64.sh | sha256sum --check --status || { printf 'checksum mismatch: %s does not match the lock\n' https://repo.anaconda.com/archive/Anaconda3-5.2.0-Linux-x86_64.sh >&2; false; }; } && \
    record_tree /opt/rig/anaconda3-5.2.0 && \
    rm -rf /opt/rig/anaconda3-5.2.0 && \
    mkdir -p "$(dirname /opt/rig/anaconda3-5.2.0)" && \
    bash /var/cache/rig/Anaconda3-5.2.0-Linux-x86_64.sh -b -p /opt/rig/anaconda3-5.2.0 >/dev/null && \
    rm -f /var/cache/rig/Anaconda3-5.2.0-Linux-x86_64.sh && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 09f53738b0cd3bb96f5b1bac488e5528df9906be2480fe61df40e0e0d19e3d48 > /var/lib/rig/.installer-anaconda3-5-2-0.new && \
    mv -fT /var/lib/rig/.installer-anaconda3-5-2-0.new /var/lib/rig/installer-anaconda3-5-2-0
}

remove_installer_anaconda3_5_2_0() {
  remove_step_state installer-anaconda3-5-2-0 && \
    remove_tree /opt/rig/anaconda3-5.2.0
}

is_done_env_fastai() {
  test -x /opt/rig/envs/fastai/bin/python && \
    test "$(cat /var/lib/rig/env-fastai 2>/dev/null)" = e789e00c7b4fdc25f1c1c758a6d831fe94a6a4182ff29beb49d0af6f5a0ccfaa
}

apply_env_fastai() {
  record_tree /opt/rig/envs/fastai && \
    stash_dir /opt/rig/envs/fastai && \
    { { mkdir -p "$(dirname /opt/rig/envs/fastai)" && \
    /opt/rig/anaconda3-5.2.0/bin/python -m venv /opt/rig/envs/fastai >/dev/null && \
    /opt/rig/envs/fastai/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --only-binary :all: --upgrade --force-reinstall -r /opt/rig/lock/fastai.tools.txt && \
    /opt/rig/envs/fastai/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --only-binary :all: --no-deps -r /opt/rig/lock/fastai.requirements.txt && \
    /opt/rig/envs/fastai/bin/python -m pip --disable-pip-version-check --no-cache-dir install --quiet --require-hashes --no-build-isolation --no-deps -r /opt/rig/lock/fastai.sources.txt; } || { unstash_dir /opt/rig/envs/fastai; false; }; } && \
    drop_stash /opt/rig/envs/fastai && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' e789e00c7b4fdc25f1c1c758a6d831fe94a6a4182ff29beb49d0af6f5a0ccfaa > /var/lib/rig/.env-fastai.new && \
    mv -fT /var/lib/rig/.env-fastai.new /var/lib/rig/env-fastai
}

remove_env_fastai() {
  remove_step_state env-fastai && \
    remove_tree /opt/rig/envs/fastai
}

is_done_settings_fastai_keras() {
  test "$(stat -c '%a %U:%G' /etc/skel/.keras/keras.json 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' 1648778833f8c671aa3d961544ee97930a142d7572d0637a67a0cc26ccd09eb2 /etc/skel/.keras/keras.json | sha256sum --check --status
}

apply_settings_fastai_keras() {
  record_dir "$(dirname /etc/skel/.keras/keras.json)" && \
    mkdir -p "$(dirname /etc/skel/.keras/keras.json)" && \
    install -m 0644 -o root -g root /opt/rig/lock/settings-fastai-keras /etc/skel/.keras/keras.json.rig-new && \
    record_file /etc/skel/.keras/keras.json && \
    mv -fT /etc/skel/.keras/keras.json.rig-new /etc/skel/.keras/keras.json
}

remove_settings_fastai_keras() {
  remove_step_state settings-fastai-keras && \
    restore_file /etc/skel/.keras/keras.json
}

is_done_user_alice() {
  id -u alice >/dev/null 2>&1 && \
    test -e "$(getent passwd alice | cut -d : -f 6)"/.keras/keras.json && \
    test "$(cat /var/lib/rig/user-alice 2>/dev/null)" = e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
}

# shellcheck disable=SC2016 # expanded by a shell of that user
apply_user_alice() {
  create_account alice && \
    { cat /var/lib/rig/user-alice.groups 2>/dev/null || true; } | { grep -vxF -e '' || true; } | while IFS= read -r group; do ! id -nG alice | tr ' ' '\n' | grep -qxF -e "$group" || log_info alice" is still in group $group, which the rig no longer lists; to remove it: gpasswd --delete"; done && \
    rm -f /var/lib/rig/user-alice.groups && \
    runuser -u alice -- sh -c 'umask 022 && cd "$1" && { test -e .keras/keras.json || { mkdir -p .keras && cp /etc/skel/.keras/keras.json .keras/keras.json; }; }' sh "$(getent passwd alice | cut -d : -f 6)" && \
    { ! test -e /var/lib/rig/user-alice.keys || { { { sed 's/^/-/' /var/lib/rig/user-alice.keys; } | runuser -u alice -- sh -c 'umask 077 && ssh=$1/.ssh && input=$(cat) && mkdir -p "$ssh" && chmod 0700 "$ssh" && old= && { test ! -e "$ssh/authorized_keys" || old=$(cat "$ssh/authorized_keys"); } && rm -f "$ssh/authorized_keys.rig-new" && { printf "%s\n" "$input"; test -z "$old" || printf "%s\n" "$old" | sed "s/^/ /"; } | awk "{ key = substr(\$0, 2) } /^[+]/ { new[++count] = key } /^[+-]/ { ours[key] } /^ / && ! (key in ours) { print key } END { for (i = 1; i <= count; i++) print new[i] }" > "$ssh/authorized_keys.rig-new" && mv -fT "$ssh/authorized_keys.rig-new" "$ssh/authorized_keys"' sh "$(getent passwd alice | cut -d : -f 6)" || { printf 'could not write the SSH keys of %s to %s/.ssh/authorized_keys as that user: check its owner and where it links to\n' alice "$(getent passwd alice | cut -d : -f 6)" >&2; false; }; } && \
    rm -f /var/lib/rig/user-alice.keys; }; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 > /var/lib/rig/.user-alice.new && \
    mv -fT /var/lib/rig/.user-alice.new /var/lib/rig/user-alice
}

remove_user_alice() {
  remove_step_state user-alice && \
    report_kept_account alice
}

is_done_user_bob() {
  id -u bob >/dev/null 2>&1 && \
    test -e "$(getent passwd bob | cut -d : -f 6)"/.keras/keras.json && \
    test "$(cat /var/lib/rig/user-bob 2>/dev/null)" = e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
}

# shellcheck disable=SC2016 # expanded by a shell of that user
apply_user_bob() {
  create_account bob && \
    { cat /var/lib/rig/user-bob.groups 2>/dev/null || true; } | { grep -vxF -e '' || true; } | while IFS= read -r group; do ! id -nG bob | tr ' ' '\n' | grep -qxF -e "$group" || log_info bob" is still in group $group, which the rig no longer lists; to remove it: gpasswd --delete"; done && \
    rm -f /var/lib/rig/user-bob.groups && \
    runuser -u bob -- sh -c 'umask 022 && cd "$1" && { test -e .keras/keras.json || { mkdir -p .keras && cp /etc/skel/.keras/keras.json .keras/keras.json; }; }' sh "$(getent passwd bob | cut -d : -f 6)" && \
    { ! test -e /var/lib/rig/user-bob.keys || { { { sed 's/^/-/' /var/lib/rig/user-bob.keys; } | runuser -u bob -- sh -c 'umask 077 && ssh=$1/.ssh && input=$(cat) && mkdir -p "$ssh" && chmod 0700 "$ssh" && old= && { test ! -e "$ssh/authorized_keys" || old=$(cat "$ssh/authorized_keys"); } && rm -f "$ssh/authorized_keys.rig-new" && { printf "%s\n" "$input"; test -z "$old" || printf "%s\n" "$old" | sed "s/^/ /"; } | awk "{ key = substr(\$0, 2) } /^[+]/ { new[++count] = key } /^[+-]/ { ours[key] } /^ / && ! (key in ours) { print key } END { for (i = 1; i <= count; i++) print new[i] }" > "$ssh/authorized_keys.rig-new" && mv -fT "$ssh/authorized_keys.rig-new" "$ssh/authorized_keys"' sh "$(getent passwd bob | cut -d : -f 6)" || { printf 'could not write the SSH keys of %s to %s/.ssh/authorized_keys as that user: check its owner and where it links to\n' bob "$(getent passwd bob | cut -d : -f 6)" >&2; false; }; } && \
    rm -f /var/lib/rig/user-bob.keys; }; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 > /var/lib/rig/.user-bob.new && \
    mv -fT /var/lib/rig/.user-bob.new /var/lib/rig/user-bob
}

remove_user_bob() {
  remove_step_state user-bob && \
    report_kept_account bob
}

is_done_gpus_of_users() {
  test "$(stat -c '%a %U:%G' /etc/profile.d/rig-dl-server.users.sh 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' f4a51a1034b87d219b980c8b33b681a12a6d92c5ce1d311caa3073495e724acc /etc/profile.d/rig-dl-server.users.sh | sha256sum --check --status
}

apply_gpus_of_users() {
  record_dir "$(dirname /etc/profile.d/rig-dl-server.users.sh)" && \
    mkdir -p "$(dirname /etc/profile.d/rig-dl-server.users.sh)" && \
    install -m 0644 -o root -g root /opt/rig/lock/gpus-of-users /etc/profile.d/rig-dl-server.users.sh.rig-new && \
    record_file /etc/profile.d/rig-dl-server.users.sh && \
    mv -fT /etc/profile.d/rig-dl-server.users.sh.rig-new /etc/profile.d/rig-dl-server.users.sh
}

remove_gpus_of_users() {
  remove_step_state gpus-of-users && \
    restore_file /etc/profile.d/rig-dl-server.users.sh
}

is_done_variables() {
  test "$(stat -c '%a %U:%G' /etc/profile.d/rig-dl-server.sh 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' fbf1b1b5231e275b16dc5ba5b9dcb16dfcb7fadc4475ce5ff4704e692ad69ed4 /etc/profile.d/rig-dl-server.sh | sha256sum --check --status
}

apply_variables() {
  record_dir "$(dirname /etc/profile.d/rig-dl-server.sh)" && \
    mkdir -p "$(dirname /etc/profile.d/rig-dl-server.sh)" && \
    install -m 0644 -o root -g root /opt/rig/lock/variables /etc/profile.d/rig-dl-server.sh.rig-new && \
    record_file /etc/profile.d/rig-dl-server.sh && \
    mv -fT /etc/profile.d/rig-dl-server.sh.rig-new /etc/profile.d/rig-dl-server.sh
}

remove_variables() {
  remove_step_state variables && \
    restore_file /etc/profile.d/rig-dl-server.sh
}

is_done_service_packages() {
  test "$(cat /var/lib/rig/service-packages 2>/dev/null)" = 798645d116c9bad33493199ceaf01f674f2577bc7b86ab7228e122eafb216d01 && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.service.txt >/dev/null
}

apply_service_packages() {
  refresh_packages && \
    sh /opt/rig/lock/check-packages.sh archive /opt/rig/lock/packages.service.txt >&2 && \
    install_packages service-packages --allow-downgrades \
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
      openssh-sftp-server=1:7.2p2-4ubuntu2.10 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 798645d116c9bad33493199ceaf01f674f2577bc7b86ab7228e122eafb216d01 > /var/lib/rig/.service-packages.new && \
    mv -fT /var/lib/rig/.service-packages.new /var/lib/rig/service-packages
}

remove_service_packages() {
  remove_step_state service-packages && \
    purge_packages service-packages openssh-server libbsd0 libc6 libedit2 libgssapi-krb5-2 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 libssl1.0.0 libwrap0 openssh-client openssh-sftp-server
}

is_done_service_ssh_settings() {
  test "$(stat -c '%a %U:%G' /etc/default/ssh 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' 32fe2d0d194cf1311b26bc06764f51f0645e6e5bb64e0ef748127f7763d9f46c /etc/default/ssh | sha256sum --check --status
}

apply_service_ssh_settings() {
  { test "${RIG_SHUT_OUT:-}" = yes || getent passwd | awk -F : '$3 != 0 && $7 !~ /\/(nologin|false|sync)$/ { print $1 "\t" $6 }' | { found=no; while IFS=$'\t' read -r name home; do ! runuser -u "$name" -- grep -qs '^[[:space:]]*[^#[:space:]]' "$home/.ssh/authorized_keys" </dev/null || found=yes; done; test "$found" = yes; } || { printf 'no user could log in over SSH: sshd would accept keys only, root login would be disabled, and no other account has a key. Set ssh_keys for a user in the spec, or add a key to ~/.ssh/authorized_keys of an account; to continue without a key, set RIG_SHUT_OUT=yes (Ansible: -e rig_shut_out=yes)\n' >&2; false; }; } && \
    rm -f /var/lib/rig/service-ssh && \
    record_dir "$(dirname /etc/default/ssh)" && \
    mkdir -p "$(dirname /etc/default/ssh)" && \
    install -m 0644 -o root -g root /opt/rig/lock/service-ssh-settings /etc/default/ssh.rig-new && \
    record_file /etc/default/ssh && \
    mv -fT /etc/default/ssh.rig-new /etc/default/ssh
}

remove_service_ssh_settings() {
  remove_step_state service-ssh-settings && \
    restore_file /etc/default/ssh && \
    { if sh -c 'test -d /run/sshd || { mkdir -m 0755 /run/sshd && trap '"'"'rmdir /run/sshd'"'"' EXIT; }; ! test -e /etc/default/ssh || . /etc/default/ssh; /usr/sbin/sshd -t $SSHD_OPTS'; then restart_unit ssh.service; else report_kept ssh.service": not restarted, its configuration is invalid"; fi; }
}

is_done_service_ssh() {
  test "$(cat /var/lib/rig/service-ssh 2>/dev/null)" = 33b3eed3c2486e45a74c49db226c587f0775963197b27fc7223f1fed3388ea0b && \
    { ! command -v systemctl >/dev/null || systemctl is-enabled --quiet ssh.service; } && \
    { ! test -d /run/systemd/system || systemctl is-active --quiet ssh.service; }
}

apply_service_ssh() {
  record_unit ssh.service && \
    { sh -c 'test -d /run/sshd || { mkdir -m 0755 /run/sshd && trap '"'"'rmdir /run/sshd'"'"' EXIT; }; ! test -e /etc/default/ssh || . /etc/default/ssh; /usr/sbin/sshd -t $SSHD_OPTS' || { printf 'not restarting %s: its configuration is invalid\n' ssh.service >&2; false; }; } && \
    { ! command -v systemctl >/dev/null || systemctl enable --quiet ssh.service; } && \
    { ! test -d /run/systemd/system || { systemctl daemon-reload && systemctl restart ssh.service; }; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 33b3eed3c2486e45a74c49db226c587f0775963197b27fc7223f1fed3388ea0b > /var/lib/rig/.service-ssh.new && \
    mv -fT /var/lib/rig/.service-ssh.new /var/lib/rig/service-ssh
}

remove_service_ssh() {
  remove_step_state service-ssh && \
    remove_unit ssh.service
}

is_done_service_dyndns_interval() {
  test "$(stat -c '%a %U:%G' /etc/default/ddclient 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' 376c7fffb0de221388925e4f4ce7b594343580482244352d241c9035deb5702a /etc/default/ddclient | sha256sum --check --status
}

apply_service_dyndns_interval() {
  rm -f /var/lib/rig/service-dyndns && \
    record_dir "$(dirname /etc/default/ddclient)" && \
    mkdir -p "$(dirname /etc/default/ddclient)" && \
    install -m 0644 -o root -g root /opt/rig/lock/service-dyndns-interval /etc/default/ddclient.rig-new && \
    record_file /etc/default/ddclient && \
    mv -fT /etc/default/ddclient.rig-new /etc/default/ddclient
}

remove_service_dyndns_interval() {
  remove_step_state service-dyndns-interval && \
    restore_file /etc/default/ddclient && \
    restart_unit ddclient.service
}

is_done_host_service_packages() {
  test "$(cat /var/lib/rig/host-service-packages 2>/dev/null)" = ba2ecc5917cff1f2d9d02236b61ecd00411979cb7254cb183e442ffb11922d0a && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.host-service.txt >/dev/null
}

apply_host_service_packages() {
  refresh_packages && \
    sh /opt/rig/lock/check-packages.sh archive /opt/rig/lock/packages.host-service.txt >&2 && \
    install_packages host-service-packages --allow-downgrades \
      'ca-certificates=20210119~16.04.1' \
      ddclient=3.8.2-2ubuntu2 \
      libio-socket-ssl-perl=2.024-1 \
      libbz2-1.0=1.0.6-8ubuntu0.2 \
      libc6=2.23-0ubuntu11.3 \
      libgdbm3=1.8.3-13.1 \
      libnet-ssleay-perl=1.72-1build1 \
      libperl5.22=5.22.1-9ubuntu0.9 \
      libssl1.0.0=1.0.2g-1ubuntu4.20 \
      netbase=5.3 \
      openssl=1.0.2g-1ubuntu4.20 \
      perl=5.22.1-9ubuntu0.9 \
      perl-base=5.22.1-9ubuntu0.9 \
      perl-modules-5.22=5.22.1-9ubuntu0.9 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' ba2ecc5917cff1f2d9d02236b61ecd00411979cb7254cb183e442ffb11922d0a > /var/lib/rig/.host-service-packages.new && \
    mv -fT /var/lib/rig/.host-service-packages.new /var/lib/rig/host-service-packages
}

remove_host_service_packages() {
  remove_step_state host-service-packages && \
    purge_packages host-service-packages ca-certificates ddclient libio-socket-ssl-perl libbz2-1.0 libc6 libgdbm3 libnet-ssleay-perl libperl5.22 libssl1.0.0 netbase openssl perl perl-base perl-modules-5.22
}

is_done_service_dyndns_settings() {
  test -s /etc/ddclient.conf && \
    test "$(stat -c '%a %U' /etc/ddclient.conf 2>/dev/null)" = '400 root' && \
    test "$(cat /var/lib/rig/service-dyndns-settings 2>/dev/null)" = b37b77e37b6774df50096f3e01d1a76ceff0c5bc051a0a77f565b031703f6819 && \
    { secret=${DYNDNS:-$(cat /etc/rig/secrets/DYNDNS 2>/dev/null || true)}; } && \
    { test -z "$secret" || printf '%s\n' '# Written by rigspec.' daemon=600 syslog=yes ssl=yes use=web web=https://api.ipify.org/ protocol=noip login="${secret%%:*}" 'password='"'"''"${secret#*:}"''"'"'' rig.example.org | cmp -s - /etc/ddclient.conf; }
}

apply_service_dyndns_settings() {
  record_dir "$(dirname /etc/ddclient.conf)" && \
    mkdir -p "$(dirname /etc/ddclient.conf)" && \
    { secret=${DYNDNS:-$(cat /etc/rig/secrets/DYNDNS 2>/dev/null || true)}; } && \
    { test -n "$secret" || log_info 'the secret DYNDNS is missing: set it in the environment or in /etc/rig/secrets/DYNDNS and run this again'; } && \
    { test -z "$secret" || test "$secret" != "${secret%%:*}" || { printf 'the secret %s must have the form account:password\n' DYNDNS >&2; false; }; } && \
    { test -z "$secret" || (umask 077 && rm -f /etc/ddclient.conf.rig-new && printf '%s\n' '# Written by rigspec.' daemon=600 syslog=yes ssl=yes use=web web=https://api.ipify.org/ protocol=noip login="${secret%%:*}" 'password='"'"''"${secret#*:}"''"'"'' rig.example.org > /etc/ddclient.conf.rig-new && chmod 0400 /etc/ddclient.conf.rig-new && chown root /etc/ddclient.conf.rig-new); } && \
    { test -z "$secret" || { rm -f /var/lib/rig/service-dyndns; }; } && \
    { test -z "$secret" || { record_file /etc/ddclient.conf secret && \
    mv -fT /etc/ddclient.conf.rig-new /etc/ddclient.conf; }; } && \
    { test -z "$secret" || { mkdir -p /var/lib/rig && \
    printf '%s\n' b37b77e37b6774df50096f3e01d1a76ceff0c5bc051a0a77f565b031703f6819 > /var/lib/rig/.service-dyndns-settings.new && \
    mv -fT /var/lib/rig/.service-dyndns-settings.new /var/lib/rig/service-dyndns-settings; }; }
}

remove_service_dyndns_settings() {
  remove_step_state service-dyndns-settings && \
    restore_file /etc/ddclient.conf
}

is_done_service_dyndns() {
  test "$(cat /var/lib/rig/service-dyndns 2>/dev/null)" = 4dbda34c66bdfdfe9bcf9d433f4ba04e184f1f7ebc3c98f71bed86141ad5c5dd && \
    { ! command -v systemctl >/dev/null || systemctl is-enabled --quiet ddclient.service; } && \
    { ! test -d /run/systemd/system || systemctl is-active --quiet ddclient.service; }
}

apply_service_dyndns() {
  record_unit ddclient.service && \
    { ! command -v systemctl >/dev/null || systemctl enable --quiet ddclient.service; } && \
    { ! test -d /run/systemd/system || { systemctl daemon-reload && systemctl restart ddclient.service; }; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 4dbda34c66bdfdfe9bcf9d433f4ba04e184f1f7ebc3c98f71bed86141ad5c5dd > /var/lib/rig/.service-dyndns.new && \
    mv -fT /var/lib/rig/.service-dyndns.new /var/lib/rig/service-dyndns
}

remove_service_dyndns() {
  remove_step_state service-dyndns && \
    remove_unit ddclient.service
}

is_done_session_fastai() {
  test "$(stat -c '%a %U:%G' /etc/rig/tmux/fastai.yaml 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' 372ccbb42213e03757b96d3df9b583dac14164d4d6854acdd15ec7a21e3496f0 /etc/rig/tmux/fastai.yaml | sha256sum --check --status
}

apply_session_fastai() {
  record_dir "$(dirname /etc/rig/tmux/fastai.yaml)" && \
    mkdir -p "$(dirname /etc/rig/tmux/fastai.yaml)" && \
    install -m 0644 -o root -g root /opt/rig/lock/session-fastai /etc/rig/tmux/fastai.yaml.rig-new && \
    record_file /etc/rig/tmux/fastai.yaml && \
    mv -fT /etc/rig/tmux/fastai.yaml.rig-new /etc/rig/tmux/fastai.yaml
}

remove_session_fastai() {
  remove_step_state session-fastai && \
    restore_file /etc/rig/tmux/fastai.yaml
}

is_done_session_loader() {
  test "$(stat -c '%a %U:%G' /usr/local/bin/rig-tmux 2>/dev/null)" = '755 root:root' && \
    printf '%s  %s\n' 1215e306303ebd66d66293d404f4e878ff3842ebc4f8c2206d9fb13c5f1c939b /usr/local/bin/rig-tmux | sha256sum --check --status
}

apply_session_loader() {
  record_dir "$(dirname /usr/local/bin/rig-tmux)" && \
    mkdir -p "$(dirname /usr/local/bin/rig-tmux)" && \
    install -m 0755 -o root -g root /opt/rig/lock/session-loader /usr/local/bin/rig-tmux.rig-new && \
    record_file /usr/local/bin/rig-tmux && \
    mv -fT /usr/local/bin/rig-tmux.rig-new /usr/local/bin/rig-tmux
}

remove_session_loader() {
  remove_step_state session-loader && \
    restore_file /usr/local/bin/rig-tmux
}

is_done_tmux_packages() {
  test "$(cat /var/lib/rig/tmux-packages 2>/dev/null)" = e751db41e874c9048154e2567bfd8c63703960643ffec4f0ead31fb1d90bc9c9 && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.tmux.txt >/dev/null
}

apply_tmux_packages() {
  refresh_packages && \
    sh /opt/rig/lock/check-packages.sh archive /opt/rig/lock/packages.tmux.txt >&2 && \
    install_packages tmux-packages --allow-downgrades \
      tmux=2.1-3build1 \
      libc6=2.23-0ubuntu11.3 \
      libevent-2.0-5=2.0.21-stable-2ubuntu0.16.04.1 \
      libutempter0=1.1.6-3 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' e751db41e874c9048154e2567bfd8c63703960643ffec4f0ead31fb1d90bc9c9 > /var/lib/rig/.tmux-packages.new && \
    mv -fT /var/lib/rig/.tmux-packages.new /var/lib/rig/tmux-packages
}

remove_tmux_packages() {
  remove_step_state tmux-packages && \
    purge_packages tmux-packages tmux libc6 libevent-2.0-5 libutempter0
}

is_done_certificate_tools() {
  test "$(cat /var/lib/rig/certificate-tools 2>/dev/null)" = 556193552ac5df00ba998e7546dc5a4566fee7e1252660df417fc9861600ad6c && \
    sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.certificate.txt >/dev/null
}

apply_certificate_tools() {
  refresh_packages && \
    sh /opt/rig/lock/check-packages.sh archive /opt/rig/lock/packages.certificate.txt >&2 && \
    install_packages certificate-tools --allow-downgrades \
      openssl=1.0.2g-1ubuntu4.20 \
      libc6=2.23-0ubuntu11.3 \
      libssl1.0.0=1.0.2g-1ubuntu4.20 && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 556193552ac5df00ba998e7546dc5a4566fee7e1252660df417fc9861600ad6c > /var/lib/rig/.certificate-tools.new && \
    mv -fT /var/lib/rig/.certificate-tools.new /var/lib/rig/certificate-tools
}

remove_certificate_tools() {
  remove_step_state certificate-tools && \
    purge_packages certificate-tools openssl libc6 libssl1.0.0
}

is_done_notebook_alice_certificate() {
  test "$(stat -c '%a %U' /etc/rig/notebook/alice.key 2>/dev/null)" = '400 alice' && \
    openssl x509 -noout -checkend 0 -in /etc/rig/notebook/alice.crt >/dev/null 2>&1 && \
    test "$(cat /var/lib/rig/notebook-alice-certificate 2>/dev/null)" = 9ca02383040afbcfb6f34a0b97a0b8f221de4595e96580852903bc3db938c699
}

apply_notebook_alice_certificate() {
  record_dir "$(dirname /etc/rig/notebook/alice.key)" && \
    mkdir -p "$(dirname /etc/rig/notebook/alice.key)" && \
    printf '[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nCN=%s\n[ext]\nsubjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\n' "$(uname -n)" "$(uname -n)" > /etc/rig/notebook/alice.key.request && \
    (umask 077 && openssl req -x509 -nodes -config /etc/rig/notebook/alice.key.request -days 365 -newkey rsa:2048 -keyout /etc/rig/notebook/alice.key.rig-new -out /etc/rig/notebook/alice.crt.rig-new >/dev/null 2>&1) && \
    rm -f /etc/rig/notebook/alice.key.request && \
    chown alice /etc/rig/notebook/alice.key.rig-new && \
    chmod 0400 /etc/rig/notebook/alice.key.rig-new && \
    chmod 0644 /etc/rig/notebook/alice.crt.rig-new && \
    record_file /etc/rig/notebook/alice.key && \
    mv -fT /etc/rig/notebook/alice.key.rig-new /etc/rig/notebook/alice.key && \
    record_file /etc/rig/notebook/alice.crt && \
    mv -fT /etc/rig/notebook/alice.crt.rig-new /etc/rig/notebook/alice.crt && \
    rm -f /var/lib/rig/notebook-alice && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 9ca02383040afbcfb6f34a0b97a0b8f221de4595e96580852903bc3db938c699 > /var/lib/rig/.notebook-alice-certificate.new && \
    mv -fT /var/lib/rig/.notebook-alice-certificate.new /var/lib/rig/notebook-alice-certificate
}

remove_notebook_alice_certificate() {
  remove_step_state notebook-alice-certificate && \
    restore_file /etc/rig/notebook/alice.crt && \
    restore_file /etc/rig/notebook/alice.key
}

is_done_notebook_alice_password() {
  test -s /etc/rig/notebook/alice.password && \
    test "$(stat -c '%a %U' /etc/rig/notebook/alice.password 2>/dev/null)" = '400 alice' && \
    { secret=${JUPYTER_PASSWORD_HASH:-$(cat /etc/rig/secrets/JUPYTER_PASSWORD_HASH 2>/dev/null || true)}; } && \
    { test -z "$secret" || printf '%s\n' "$secret" | cmp -s - /etc/rig/notebook/alice.password; }
}

apply_notebook_alice_password() {
  record_dir "$(dirname /etc/rig/notebook/alice.password)" && \
    mkdir -p "$(dirname /etc/rig/notebook/alice.password)" && \
    { secret=${JUPYTER_PASSWORD_HASH:-$(cat /etc/rig/secrets/JUPYTER_PASSWORD_HASH 2>/dev/null || true)}; } && \
    { test -n "$secret" || log_info 'the secret JUPYTER_PASSWORD_HASH is missing: set it in the environment or in /etc/rig/secrets/JUPYTER_PASSWORD_HASH and run this again'; } && \
    { test -z "$secret" || (umask 077 && rm -f /etc/rig/notebook/alice.password.rig-new && printf '%s\n' "$secret" > /etc/rig/notebook/alice.password.rig-new && chmod 0400 /etc/rig/notebook/alice.password.rig-new && chown alice /etc/rig/notebook/alice.password.rig-new); } && \
    { test -z "$secret" || { rm -f /var/lib/rig/notebook-alice; }; } && \
    { test -z "$secret" || { record_file /etc/rig/notebook/alice.password secret && \
    mv -fT /etc/rig/notebook/alice.password.rig-new /etc/rig/notebook/alice.password; }; }
}

remove_notebook_alice_password() {
  remove_step_state notebook-alice-password && \
    restore_file /etc/rig/notebook/alice.password
}

is_done_notebook_alice_settings() {
  test "$(stat -c '%a %U:%G' /etc/rig/notebook/alice.json 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' 6cb9a9b33d87427bdfb213520b1d1a1869981afbb98480b7508353cb4838eaaf /etc/rig/notebook/alice.json | sha256sum --check --status
}

apply_notebook_alice_settings() {
  rm -f /var/lib/rig/notebook-alice && \
    record_dir "$(dirname /etc/rig/notebook/alice.json)" && \
    mkdir -p "$(dirname /etc/rig/notebook/alice.json)" && \
    install -m 0644 -o root -g root /opt/rig/lock/notebook-alice-settings /etc/rig/notebook/alice.json.rig-new && \
    record_file /etc/rig/notebook/alice.json && \
    mv -fT /etc/rig/notebook/alice.json.rig-new /etc/rig/notebook/alice.json
}

remove_notebook_alice_settings() {
  remove_step_state notebook-alice-settings && \
    restore_file /etc/rig/notebook/alice.json && \
    restart_unit rig-notebook-alice.service
}

is_done_notebook_alice() {
  test "$(stat -c '%a %U:%G' /etc/systemd/system/rig-notebook-alice.service 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' d1880fbf1e3f4e9813175493b39373a82447bf5a76f90649d9039e5438273500 /etc/systemd/system/rig-notebook-alice.service | sha256sum --check --status && \
    test "$(cat /var/lib/rig/notebook-alice 2>/dev/null)" = cacf3a5d85d37253d1b80f5239db252ed58ab3204d9eee0b4ae7df3f73ffd97f && \
    { ! command -v systemctl >/dev/null || systemctl is-enabled --quiet rig-notebook-alice.service; } && \
    { ! test -d /run/systemd/system || systemctl is-active --quiet rig-notebook-alice.service; }
}

apply_notebook_alice() {
  record_dir "$(dirname /etc/systemd/system/rig-notebook-alice.service)" && \
    mkdir -p "$(dirname /etc/systemd/system/rig-notebook-alice.service)" && \
    install -m 0644 -o root -g root /opt/rig/lock/notebook-alice /etc/systemd/system/rig-notebook-alice.service.rig-new && \
    record_file /etc/systemd/system/rig-notebook-alice.service && \
    mv -fT /etc/systemd/system/rig-notebook-alice.service.rig-new /etc/systemd/system/rig-notebook-alice.service && \
    record_unit rig-notebook-alice.service && \
    { ! command -v systemctl >/dev/null || systemctl enable --quiet rig-notebook-alice.service; } && \
    { ! test -d /run/systemd/system || { systemctl daemon-reload && systemctl restart rig-notebook-alice.service; }; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' cacf3a5d85d37253d1b80f5239db252ed58ab3204d9eee0b4ae7df3f73ffd97f > /var/lib/rig/.notebook-alice.new && \
    mv -fT /var/lib/rig/.notebook-alice.new /var/lib/rig/notebook-alice
}

remove_notebook_alice() {
  remove_step_state notebook-alice && \
    remove_unit rig-notebook-alice.service
}

is_done_notebook_bob_certificate() {
  test "$(stat -c '%a %U' /etc/rig/notebook/bob.key 2>/dev/null)" = '400 bob' && \
    openssl x509 -noout -checkend 0 -in /etc/rig/notebook/bob.crt >/dev/null 2>&1 && \
    test "$(cat /var/lib/rig/notebook-bob-certificate 2>/dev/null)" = 9ca02383040afbcfb6f34a0b97a0b8f221de4595e96580852903bc3db938c699
}

apply_notebook_bob_certificate() {
  record_dir "$(dirname /etc/rig/notebook/bob.key)" && \
    mkdir -p "$(dirname /etc/rig/notebook/bob.key)" && \
    printf '[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nCN=%s\n[ext]\nsubjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\n' "$(uname -n)" "$(uname -n)" > /etc/rig/notebook/bob.key.request && \
    (umask 077 && openssl req -x509 -nodes -config /etc/rig/notebook/bob.key.request -days 365 -newkey rsa:2048 -keyout /etc/rig/notebook/bob.key.rig-new -out /etc/rig/notebook/bob.crt.rig-new >/dev/null 2>&1) && \
    rm -f /etc/rig/notebook/bob.key.request && \
    chown bob /etc/rig/notebook/bob.key.rig-new && \
    chmod 0400 /etc/rig/notebook/bob.key.rig-new && \
    chmod 0644 /etc/rig/notebook/bob.crt.rig-new && \
    record_file /etc/rig/notebook/bob.key && \
    mv -fT /etc/rig/notebook/bob.key.rig-new /etc/rig/notebook/bob.key && \
    record_file /etc/rig/notebook/bob.crt && \
    mv -fT /etc/rig/notebook/bob.crt.rig-new /etc/rig/notebook/bob.crt && \
    rm -f /var/lib/rig/notebook-bob && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' 9ca02383040afbcfb6f34a0b97a0b8f221de4595e96580852903bc3db938c699 > /var/lib/rig/.notebook-bob-certificate.new && \
    mv -fT /var/lib/rig/.notebook-bob-certificate.new /var/lib/rig/notebook-bob-certificate
}

remove_notebook_bob_certificate() {
  remove_step_state notebook-bob-certificate && \
    restore_file /etc/rig/notebook/bob.crt && \
    restore_file /etc/rig/notebook/bob.key
}

is_done_notebook_bob_password() {
  test -s /etc/rig/notebook/bob.password && \
    test "$(stat -c '%a %U' /etc/rig/notebook/bob.password 2>/dev/null)" = '400 bob' && \
    { secret=${JUPYTER_PASSWORD_HASH:-$(cat /etc/rig/secrets/JUPYTER_PASSWORD_HASH 2>/dev/null || true)}; } && \
    { test -z "$secret" || printf '%s\n' "$secret" | cmp -s - /etc/rig/notebook/bob.password; }
}

apply_notebook_bob_password() {
  record_dir "$(dirname /etc/rig/notebook/bob.password)" && \
    mkdir -p "$(dirname /etc/rig/notebook/bob.password)" && \
    { secret=${JUPYTER_PASSWORD_HASH:-$(cat /etc/rig/secrets/JUPYTER_PASSWORD_HASH 2>/dev/null || true)}; } && \
    { test -n "$secret" || log_info 'the secret JUPYTER_PASSWORD_HASH is missing: set it in the environment or in /etc/rig/secrets/JUPYTER_PASSWORD_HASH and run this again'; } && \
    { test -z "$secret" || (umask 077 && rm -f /etc/rig/notebook/bob.password.rig-new && printf '%s\n' "$secret" > /etc/rig/notebook/bob.password.rig-new && chmod 0400 /etc/rig/notebook/bob.password.rig-new && chown bob /etc/rig/notebook/bob.password.rig-new); } && \
    { test -z "$secret" || { rm -f /var/lib/rig/notebook-bob; }; } && \
    { test -z "$secret" || { record_file /etc/rig/notebook/bob.password secret && \
    mv -fT /etc/rig/notebook/bob.password.rig-new /etc/rig/notebook/bob.password; }; }
}

remove_notebook_bob_password() {
  remove_step_state notebook-bob-password && \
    restore_file /etc/rig/notebook/bob.password
}

is_done_notebook_bob_settings() {
  test "$(stat -c '%a %U:%G' /etc/rig/notebook/bob.json 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' 8b8669c1b5edbc7663fbd35bda6a4ab847e7dfefde91a687855ae388db55c80c /etc/rig/notebook/bob.json | sha256sum --check --status
}

apply_notebook_bob_settings() {
  rm -f /var/lib/rig/notebook-bob && \
    record_dir "$(dirname /etc/rig/notebook/bob.json)" && \
    mkdir -p "$(dirname /etc/rig/notebook/bob.json)" && \
    install -m 0644 -o root -g root /opt/rig/lock/notebook-bob-settings /etc/rig/notebook/bob.json.rig-new && \
    record_file /etc/rig/notebook/bob.json && \
    mv -fT /etc/rig/notebook/bob.json.rig-new /etc/rig/notebook/bob.json
}

remove_notebook_bob_settings() {
  remove_step_state notebook-bob-settings && \
    restore_file /etc/rig/notebook/bob.json && \
    restart_unit rig-notebook-bob.service
}

is_done_notebook_bob() {
  test "$(stat -c '%a %U:%G' /etc/systemd/system/rig-notebook-bob.service 2>/dev/null)" = '644 root:root' && \
    printf '%s  %s\n' b319b2a38fc2d0c1363571edb35772f0b36d3508f047b3dd7d3d5760700d6c40 /etc/systemd/system/rig-notebook-bob.service | sha256sum --check --status && \
    test "$(cat /var/lib/rig/notebook-bob 2>/dev/null)" = fc44f58f72e2c2432a3686f189dd2e45e21de14af16316e3771a85c4170fae45 && \
    { ! command -v systemctl >/dev/null || systemctl is-enabled --quiet rig-notebook-bob.service; } && \
    { ! test -d /run/systemd/system || systemctl is-active --quiet rig-notebook-bob.service; }
}

apply_notebook_bob() {
  record_dir "$(dirname /etc/systemd/system/rig-notebook-bob.service)" && \
    mkdir -p "$(dirname /etc/systemd/system/rig-notebook-bob.service)" && \
    install -m 0644 -o root -g root /opt/rig/lock/notebook-bob /etc/systemd/system/rig-notebook-bob.service.rig-new && \
    record_file /etc/systemd/system/rig-notebook-bob.service && \
    mv -fT /etc/systemd/system/rig-notebook-bob.service.rig-new /etc/systemd/system/rig-notebook-bob.service && \
    record_unit rig-notebook-bob.service && \
    { ! command -v systemctl >/dev/null || systemctl enable --quiet rig-notebook-bob.service; } && \
    { ! test -d /run/systemd/system || { systemctl daemon-reload && systemctl restart rig-notebook-bob.service; }; } && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' fc44f58f72e2c2432a3686f189dd2e45e21de14af16316e3771a85c4170fae45 > /var/lib/rig/.notebook-bob.new && \
    mv -fT /var/lib/rig/.notebook-bob.new /var/lib/rig/notebook-bob
}

remove_notebook_bob() {
  remove_step_state notebook-bob && \
    remove_unit rig-notebook-bob.service
}

is_done_reboot() {
  test "$(cat /var/lib/rig/reboot 2>/dev/null)" = a31af1b9f5b6042f0423e63a71ca18c5f407a7258b5ecc8365fe15f4a52d43eb
}

apply_reboot() {
  printf '%s\n' 'a reboot is required: kernel modules and kernel arguments take effect at boot' >&2 && \
    mkdir -p /var/lib/rig && \
    cat /proc/sys/kernel/random/boot_id > /var/lib/rig/.reboot-due.new && \
    mv -fT /var/lib/rig/.reboot-due.new /var/lib/rig/reboot-due && \
    mkdir -p /var/lib/rig && \
    printf '%s\n' a31af1b9f5b6042f0423e63a71ca18c5f407a7258b5ecc8365fe15f4a52d43eb > /var/lib/rig/.reboot.new && \
    mv -fT /var/lib/rig/.reboot.new /var/lib/rig/reboot
}

remove_reboot() {
  remove_step_state reboot
}

is_done_verify() {
  false
}

apply_verify() {
  differences=0 && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.system.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (system)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.fetch.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (fetch)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.driver.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (driver)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.cuda.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (cuda)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.service.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (service)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.host-service.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (host-service)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.tmux.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (tmux)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(sh /opt/rig/lock/check-packages.sh installed /opt/rig/lock/packages.certificate.txt) || found=${found:-the check failed}; } && \
    { test "$found" = 'as locked' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages (certificate)' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(sh -c 'sed -n "$1" "$2" | paste -s -d .' sh 's/^#define CUDNN_\(MAJOR\|MINOR\|PATCHLEVEL\) //p' /usr/local/cuda-9.0/include/cudnn.h) || true; } && \
    { test "$found" = 7.6.5 || { printf '%s: locked %s, found %s\n' 'cuDNN 7.6.5.32' 7.6.5 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    { { { found=$(/opt/rig/envs/fastai/bin/python -c 'import sys; print('"'"'%d.%d'"'"' % sys.version_info[:2])') || true; } && \
    { test "$found" = 3.6 || { printf '%s: locked %s, found %s\n' 'Python of fastai' 3.6 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    { { { found=$(/opt/rig/envs/fastai/bin/python /opt/rig/lock/verify_packages.py /opt/rig/lock/fastai.tools.txt /opt/rig/lock/fastai.requirements.txt /opt/rig/lock/fastai.sources.txt) || found=${found:-the check failed}; } && \
    { test "$found" = '' || { printf '%s\n' "${found:-the check printed nothing}" | while IFS= read -r line; do printf '%s: %s\n' 'packages of fastai' "$line"; done >&2; false; }; }; } || differences=1; } && \
    { { { found=$(runuser -l alice -c 'printenv CUDA_VISIBLE_DEVICES') || true; } && \
    { test "$found" = 0 || { printf '%s: locked %s, found %s\n' 'GPUs in the login shell of alice' 0 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    { { { found=$(runuser -l bob -c 'printenv CUDA_VISIBLE_DEVICES') || true; } && \
    { test "$found" = 1 || { printf '%s: locked %s, found %s\n' 'GPUs in the login shell of bob' 1 "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    { { { found=$(grep -m1 -xF -e '# Written by rigspec.' /etc/ddclient.conf) || true; } && \
    { test "$found" = '# Written by rigspec.' || { printf '%s: locked %s, found %s\n' 'secret DYNDNS' '# Written by rigspec.' "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    { { { found=$(find /etc/rig/notebook/alice.password -size +0) || true; } && \
    { test "$found" = /etc/rig/notebook/alice.password || { printf '%s: locked %s, found %s\n' 'secret JUPYTER_PASSWORD_HASH' /etc/rig/notebook/alice.password "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    { { { found=$(find /etc/rig/notebook/bob.password -size +0) || true; } && \
    { test "$found" = /etc/rig/notebook/bob.password || { printf '%s: locked %s, found %s\n' 'secret JUPYTER_PASSWORD_HASH' /etc/rig/notebook/bob.password "$(printf '%s' "${found:-nothing}" | tr '\n' ' ')" >&2; false; }; }; } || differences=1; } && \
    test "$differences" = 0
}

remove_verify() {
  remove_step_state verify
}

# --- records of what the installer adds, written before each change

# write_list LIST COMMAND…: replace the list with the output of the command. If the command fails or
# the disk is full, the list is unchanged, and the caller must stop.
write_list() {
  local list=$1
  shift
  mkdir -p "$STATE" && install -d -m 0700 "$RECORDS" || return
  if "$@" | cat >"$RECORDS/.new" && sync "$RECORDS/.new" && mv -fT "$RECORDS/.new" "$RECORDS/$list"; then
    # Not every file system can sync a directory.
    sync "$RECORDS" 2>/dev/null || true
  else
    rm -f "$RECORDS/.new"
    return 1
  fi
}

record() {  # LIST LINE…: add the lines that are not in the list yet
  [ $# -gt 2 ] || ! is_recorded "$1" "$2" || return 0
  write_list "$1" print_list_with "$@"
}

unrecord() {  # LIST LINE
  [ "$DRY_RUN" = no ] && [ -e "$RECORDS/$1" ] || return 0
  write_list "$1" print_list_without "$@"
}

print_list_with() {  # LIST LINE…
  local list=$1
  shift
  { read_list "$list" && printf '%s\n' "$@"; } | awk 'NF && !seen[$0]++'
}

print_list_without() {  # LIST LINE
  read_list "$1" | OTHER=$2 awk '$0 != ENVIRON["OTHER"]'
}

is_recorded() {  # LIST LINE
  [ -e "$RECORDS/$1" ] && LINE=$2 awk '$0 == ENVIRON["LINE"] { found = 1 } END { exit !found }' "$RECORDS/$1"
}

read_list() {  # LIST
  [ ! -e "$RECORDS/$1" ] || cat "$RECORDS/$1"
}

# lines_not_in FILE [FIELD]: print the lines of stdin that, from that field on, are not in the file.
lines_not_in() {
  LISTED=$1 FIELD=${2:-1} awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    { part = $0; for (i = 1; i < ENVIRON["FIELD"]; i++) sub(/^[^\t]*\t/, "", part) }
    !(part in listed)'
}

lines_in() {  # FILE: print the lines of stdin that are also in the file
  LISTED=$1 awk '
    BEGIN {
      while ((got = (getline line < ENVIRON["LISTED"])) > 0) listed[line]
      if (got < 0) exit 1
    }
    $0 in listed'
}

run_or_print() {  # DESCRIPTION COMMAND…: in a dry run, only print the description, once
  if [ "$DRY_RUN" = yes ]; then
    log_info_once "         would $1"
  else
    log_info "         $1"
    shift
    "$@"
  fi
}

report_kept() {
  log_info_once "         kept $*"
}

log_info_once() {
  case $LOGGED in
    *"|$1|"*) ;;
    *)
      LOGGED+="|$1|"
      log_info "$1"
      ;;
  esac
}

list_other_rigs() {  # the other rigs on this machine, which share the lists
  read_list rigs | OTHER=$RIG_NAME awk '$0 != ENVIRON["OTHER"]' | paste -s -d ' '
}

# --- files and directories

record_dir() {
  local path=$1
  while [ ! -e "$path" ]; do
    record folders "$path" || return
    path=$(dirname "$path")
  done
}

print_sha256() {
  local sum
  sum=$(sha256sum <"$1") && printf '%s' "${sum%% *}"
}

path_exists() {
  [ -e "$1" ] || [ -L "$1" ]
}

is_same_file() {
  if [ -L "$1" ] || [ -L "$2" ]; then
    [ -L "$1" ] && [ -L "$2" ] && [ "$(readlink "$1")" = "$(readlink "$2")" ]
  else
    cmp -s "$1" "$2"
  fi
}

# A file with a secret is recorded by size and time: a digest would let passwords be guessed.
print_stat_mark() {
  local mark
  mark=$(stat -c '%s bytes, changed %.9Y' "$1") && printf '%-64s' "$mark"
}

is_recorded_file() {  # PATH: succeed if the current content is the recorded one
  local sum
  [ -f "$1" ] && [ ! -L "$1" ] && sum=$(print_sha256 "$1") && { is_recorded files "$sum  $1" || is_recorded files "$(print_stat_mark "$1")  $1"; }
}

# record_file PATH [secret]: PATH.rig-new is about to replace PATH. Back up a file of another origin;
# do not record an identical file that already exists.
record_file() {
  local digest
  if path_exists "$1" && ! is_recorded_file "$1"; then
    [ -L "$1" ] || ! cmp -s "$1" "$1.rig-new" || return 0
    back_up_file "$1" || return
  fi
  if [ $# -gt 1 ]; then
    write_list files print_files_with_mark "$1"
  else
    digest=$(print_sha256 "$1.rig-new") && record files "$digest  $1"
  fi
}

print_files_with_mark() {  # PATH: without the digests that older versions recorded for it
  {
    read_list files | OTHER=$1 awk 'substr($0, 67) != ENVIRON["OTHER"] || index($0, " ") < 65' &&
      { ! is_recorded_file "$1" || { print_stat_mark "$1" && printf '  %s\n' "$1"; }; } &&
      print_stat_mark "$1.rig-new" && printf '  %s\n' "$1"
  } | awk '!seen[$0]++'
}

list_recorded_paths() {  # of files
  read_list files | cut -c 67-
}

was_recorded_file() {  # PATH
  [ -e "$RECORDS/files" ] && LINE=$1 awk 'substr($0, 67) == ENVIRON["LINE"] { found = 1 } END { exit !found }' "$RECORDS/files"
}

print_files_without() {
  read_list files | OTHER=$1 awk 'substr($0, 67) != ENVIRON["OTHER"]'
}

# back_up_file PATH: write and record a copy before the file is replaced. BACKUP is set to its name.
back_up_file() {
  local count=0
  BACKUP=$1.before-rig
  while path_exists "$BACKUP" && ! is_same_file "$1" "$BACKUP"; do
    count=$((count + 1))
    BACKUP=$1.before-rig.$count
  done
  rm -f "$1.rig-kept" || return
  if ! path_exists "$BACKUP"; then
    cp -a "$1" "$1.rig-kept" || { rm -f "$1.rig-kept"; return 1; }
    [ -L "$1" ] || sync "$1.rig-kept" || return
    mv -T "$1.rig-kept" "$BACKUP" || return
  fi
  [ -n "$(print_backup_path "$1")" ] || record before "	$1	$BACKUP" || return
  log_info "         $1 already existed: saved as $BACKUP"
}

print_backup_path() {  # PATH
  read_list before | OF=$1 awk -F '\t' '$2 == ENVIRON["OF"] { print $3 }'
}

restore_backup() {  # PATH
  local back
  back=$(print_backup_path "$1") || return
  [ -n "$back" ] || return 0
  ! path_exists "$back" || run_or_print "restore $back" mv -fT "$back" "$1" || return
  unrecord before "	$1	$back"
}

restore_file() {
  [ "$DRY_RUN" = yes ] || rm -f "$1.rig-new" "$1.rig-kept" || return
  if path_exists "$1"; then
    was_recorded_file "$1" || return 0
    if ! is_recorded_file "$1"; then
      report_kept "$1: modified since it was installed"
      return 0
    fi
    run_or_print "remove $1" rm -f "$1" || return
  fi
  restore_backup "$1" || return
  [ "$DRY_RUN" = yes ] || ! was_recorded_file "$1" || write_list files print_files_without "$1"
}

# --- directories that belong to the rig alone

record_tree() {
  record_dir "$(dirname "$1")" && record trees "$1"
}

remove_tree() {
  if is_recorded trees "$1"; then
    [ ! -e "$1" ] || run_or_print "remove $1" rm -rf "$1" || return
    [ "$DRY_RUN" = yes ] || rm -rf "$1.rig-old" "$1.rig-gone" || return
    unrecord trees "$1"
  fi
}

# Keep the old directory until its replacement is complete. After an interruption, the old one is
# still in the stash, and the current one is incomplete.
stash_dir() {
  rm -rf "$1.rig-gone" || return
  if [ -e "$1.rig-old" ]; then
    rm -rf "$1"
  elif [ -e "$1" ]; then
    mv -T "$1" "$1.rig-old"
  fi
}

unstash_dir() {
  [ -e "$1.rig-old" ] || return 0
  rm -rf "$1" && mv -T "$1.rig-old" "$1" && log_info "         restored the previous $1"
}

# Rename the stash before deleting it, so that a partly deleted stash is never restored.
drop_stash() {
  [ ! -e "$1.rig-old" ] || mv -T "$1.rig-old" "$1.rig-gone" || return
  rm -rf "$1.rig-gone"
}

# --- files that the rig adds to shared directories

# record_contents ID DIR: record the current contents, which belong to others.
record_contents() {
  mkdir -p "$2" && archive_contents_lists "$1" "$2" && record shared "$1 $2" || return
  # After an interruption, the earlier record remains valid.
  [ ! -e "$RECORDS/before.$1" ] || [ -e "$RECORDS/contents.$1" ] || return 0
  write_list "before.$1" list_foreign_contents "$1" "$2" && rm -f "$RECORDS/contents.$1"
}

# The lists of another directory, such as that of the previous CUDA version, do not apply to this
# one. Rename them, to be processed at the end of an uninstall. Until the last of these commands, the
# lists count for neither directory.
archive_contents_lists() {  # ID DIR
  local folder count=1
  ! is_recorded shared "$1 $2" || return 0
  folder=$(read_list shared | ID=$1 awk '$1 == ENVIRON["ID"] { print substr($0, length($1) + 2); exit }') || return
  [ -n "$folder" ] || return 0
  while read_list shared | LINE="$1.$count $folder" ID=$1.$count awk '$1 == ENVIRON["ID"] && $0 != ENVIRON["LINE"] { taken = 1 } END { exit !taken }'; do
    count=$((count + 1))
  done
  record shared "$1.$count $folder" || return
  [ ! -e "$RECORDS/contents.$1" ] || mv -fT "$RECORDS/contents.$1" "$RECORDS/contents.$1.$count" || return
  [ ! -e "$RECORDS/before.$1" ] || mv -fT "$RECORDS/before.$1" "$RECORDS/before.$1.$count" || return
  unrecord shared "$1 $folder"
}

# Follow a symbolic link to a directory.
find_in_dir() {  # DIR…
  local folder
  folder=$(realpath -e "$1") || return
  shift
  find "$folder" -mindepth 1 "$@"
}

# List all files except unmodified ones from the rig. Of the directories, list only those of the first
# run: later ones are removed once they are empty.
list_foreign_contents() {  # ID DIR
  local contents=$RECORDS/contents.$1 before=$RECORDS/before.$1
  [ -e "$contents" ] || contents=/dev/null
  find_in_dir "$2" ! -type d -printf '%s\t%T@\t%P\n' | lines_not_in "$contents" | cut -f 3- || return
  if [ -e "$before" ]; then
    find_in_dir "$2" -type d -printf '%P\n' | lines_in "$before"
  else
    find_in_dir "$2" -type d -printf '%P\n'
  fi
}

# back_up_members ID DIR STRIP ARCHIVE: back up the files of others that the archive will replace. From
# then on, the backup is recorded as theirs.
back_up_members() {
  local id=$1 folder member path
  folder=$(realpath -e "$2") || return
  write_list members tar --list --show-transformed-names --quoting-style=literal --strip-components="$3" --file "$4" || return
  while IFS= read -r member <&5; do
    path=$folder/${member%/}
    path_exists "$path" || continue
    # Skip directories, and links to a directory that are a directory in the archive.
    [ ! -d "$path" ] || { [ -L "$path" ] && [ "$member" = "${member%/}" ]; } || continue
    path=$(realpath -e "${path%/*}")/${path##*/} || return
    if [ "${path#"$folder"/}" = "$path" ]; then
      # A link leads out of the directory: its target is in no list.
      [ -n "$(print_backup_path "$path")" ] || back_up_file "$path" || return
    elif is_recorded "before.$id" "${path#"$folder"/}"; then
      back_up_file "$path" && write_list "before.$id" print_list_replacing "before.$id" "${path#"$folder"/}" "${BACKUP#"$folder"/}" || return
    fi
  done 5<"$RECORDS/members" || return
  rm -f "$RECORDS/members"
}

print_list_replacing() {  # LIST OLD NEW: print the list with one line replaced
  read_list "$1" | WAS=$2 IS=$3 awk '$0 == ENVIRON["WAS"] { $0 = ENVIRON["IS"] } !seen[$0]++'
}

record_new_contents() {  # ID DIR: record the files added since, with size and time
  write_list "contents.$1" list_new_contents "$1" "$2"
}

list_new_contents() {
  find_in_dir "$2" ! -type d -printf '%s\t%T@\t%P\n' | lines_not_in "$RECORDS/before.$1" 3
}

restore_contents() {  # ID DIR
  local folder contents="$RECORDS/contents.$1" before="$RECORDS/before.$1" size time path
  is_recorded shared "$1 $2" && [ -e "$before" ] && [ -d "$2" ] || return 0
  folder=$(realpath -e "$2") || return
  # The step was interrupted: every file added since is the rig's.
  [ -e "$contents" ] || [ "$DRY_RUN" = yes ] || record_new_contents "$1" "$folder" || return
  [ ! -e "$contents" ] || log_info_once "         $([ "$DRY_RUN" = no ] || echo 'would ')remove $(wc -l <"$contents") files below $folder"
  [ "$DRY_RUN" = no ] || return 0
  while IFS=$'\t' read -r size time path <&5; do
    if [ "$(find "$folder/$path" -maxdepth 0 -printf '%s\t%T@' 2>/dev/null)" = "$size	$time" ]; then
      rm -f "$folder/$path" || return
    fi
    if ! path_exists "$folder/$path"; then
      restore_backup "$folder/$path" || return
    else
      report_kept "$folder/$path: modified since it was installed"
    fi
  done 5<"$contents" || return
  find_in_dir "$folder" -depth -type d -printf '%P\n' | lines_not_in "$before" |
    while IFS= read -r path; do rmdir "$folder/$path" 2>/dev/null || true; done || return
  rm -f "$contents" "$before" && unrecord shared "$1 $2"
}

# --- system packages

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@"
}

# Wait for other apt and dpkg processes; /proc/locks lists the locks they hold.
wait_for_apt() {
  local lock waited=0
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
    while [ -e "$lock" ] && grep -q ":$(stat -c %i "$lock") " /proc/locks 2>/dev/null; do
      [ "$waited" -gt 0 ] || log_info "         waiting for another apt or dpkg process to release $lock"
      [ "$waited" -lt 600 ] || { echo "timed out after 10 minutes waiting for $lock" >&2; return 1; }
      waited=$((waited + 1))
      sleep 1
    done
  done
}

# Finish an interrupted dpkg run first: apt refuses to install while a package is half installed.
repair_packages() {
  local planned
  wait_for_apt || return
  if [ -n "$(dpkg --audit)" ] || [ -n "$(find /var/lib/dpkg/updates -type f)" ]; then
    echo 'dpkg was interrupted: configuring pending packages'
    DEBIAN_FRONTEND=noninteractive dpkg --configure --pending --force-confdef --force-confold || true
    if [ -n "$(dpkg --audit)" ]; then
      set -- install --fix-broken --yes --allow-downgrades --allow-change-held-packages
      # Do not run it if the simulation fails.
      apt_get update && planned=$(apt-get --simulate "$@") && refuse_removals "$planned" && apt_get "$@"
    fi
  fi
}

refresh_packages() {
  repair_packages && apt_get update
}

# refuse_removals PLANNED: fail if apt would remove a package that the rig did not install.
refuse_removals() {
  local foreign
  foreign=$(printf '%s\n' "$1" | print_removals | grep -vxF -e "$(read_list packages | cut -d ' ' -f 2)" | paste -s -d ' ' -) || true
  [ -n "$foreign" ] && [ "$ALLOW_REMOVALS" = no ] || return 0
  printf 'apt would remove packages that do not belong to the rig: %s\nNothing was changed. To allow it, run %s --allow-removals; otherwise lock compatible versions.\n' "$foreign" "$NAME" >&2
  return 1
}

print_removals() {
  sed -n 's/^\(Remv\|Purg\) \([^ ]*\) .*/\2/p'
}

install_packages() {  # ID OPTION… PACKAGE…
  local id=$1 planned removed marked
  shift
  planned=$(apt-get --simulate install --yes --no-install-recommends "$@") || return
  refuse_removals "$planned" || return
  removed=$(printf '%s\n' "$planned" | print_removals)
  # Do not remove more than the simulation showed: packages may be installed in the meantime.
  [ -n "$removed" ] || set -- --no-remove "$@"
  record packages "$(printf '%s\n' "$planned" | sed -n "s/^Inst \([^ ]*\) (.*/$id \1/p")" &&
    record upgraded "$(printf '%s\n' "$planned" | sed -n 's/^Inst \([^ ]*\) \[\([^]]*\)\].*/\1 \2/p')" &&
    record removed "$removed" &&
    marked=$(apt-mark showauto | filter_requested "$@") && record marked "$marked" &&
    apt_get install --yes --no-install-recommends "$@"
}

filter_requested() {  # OPTION… PACKAGE…: print the names of stdin that are among the packages
  REQUESTED=$* awk '
    BEGIN { count = split(ENVIRON["REQUESTED"], all, " "); for (i = 1; i <= count; i++) { sub(/=.*/, "", all[i]); requested[all[i]] } }
    $0 in requested'
}

record_holds() {
  local name holds
  holds=$(apt-mark showhold)
  for name; do
    printf '%s\n' "$holds" | grep -qxF -e "$name" || record holds "$name" || return
  done
}

release_holds() {
  local name
  for name; do
    if is_recorded holds "$name"; then
      ! apt-mark showhold | grep -qxF -e "$name" || run_or_print "release $name" apt-mark unhold "$name"
      unrecord holds "$name"
    fi
  done
}

filter_installed() {  # print the names of stdin that are installed
  local name
  while IFS= read -r name; do
    # shellcheck disable=SC2016 # dpkg-query fills this in
    dpkg-query -W -f='${db:Status-Abbrev}\n' "$name" 2>/dev/null | grep -q '^.[^nc]' && printf '%s\n' "$name"
  done
  true
}

# Print the packages of stdin that nothing else depends on: simulate an autoremove in which only they
# are marked as automatically installed.
filter_unneeded() {
  local marks name
  marks=$(mktemp -d) || return
  while IFS= read -r name; do
    printf 'Package: %s\nArchitecture: %s\nAuto-Installed: 1\n\n' "${name%%:*}" "$(dpkg-query -W -f='${Architecture}' "$name" | sed "s/^all\$/$(dpkg --print-architecture)/")"
  done >"$marks/extended_states"
  LC_ALL=C apt-get --simulate autoremove -o Dir::State::extended_states="$marks/extended_states" \
    -o APT::Ignore-Hold="$DRY_RUN" -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false |
    sed -n 's/^Remv \([^ ]*\) .*/\1/p'
  rm -rf "$marks"
}

purge_packages() {  # ID NAME…: purge the packages that the step installed; it requested NAME…
  local id=$1 name mine gone also others
  shift
  others=$(list_other_rigs) || return
  if [ -n "$others" ]; then
    report_kept "the packages of $id: still needed by $others"
    return 0
  fi
  [ "$DRY_RUN" = yes ] || repair_packages || return
  mine=$(read_list packages | sed -n "s/^$id //p" | filter_installed)
  gone=''
  [ -z "$mine" ] || gone=$(printf '%s\n' "$mine" | filter_unneeded | { grep -xF -e "$mine" || true; })
  for name in $mine; do
    printf '%s\n' "$gone" | grep -qxF -e "$name" || report_kept "package $name: another package depends on it"
  done
  for name; do
    read_list packages | OTHER=$name awk '$2 == ENVIRON["OTHER"] { found = 1 } END { exit !found }' || [ -z "$(printf '%s\n' "$name" | filter_installed)" ] ||
      report_kept "package $name: it was already installed$(read_list upgraded | sed -n "s/^$(printf '%s' "$name" | sed 's/[.+]/\\&/g') /, at version /p" | head -n 1)"
  done
  [ -n "$gone" ] || return 0
  # shellcheck disable=SC2086 # names of packages have no spaces
  also=$(apt-get --simulate --yes --allow-change-held-packages purge $gone | sed -n 's/^Purg \([^ ]*\) .*/\1/p' | { grep -vxF -e "$gone" || true; })
  if [ -n "$also" ]; then
    report_kept "packages $gone: removing them would remove $also"
    return 0
  fi
  # shellcheck disable=SC2086
  run_or_print "remove packages $(printf '%s' "$gone" | tr '\n' ' ')" apt_get purge --yes $gone
}

# Installing a package by name marks it as manual; mark these as automatic again.
restore_auto_marks() {
  local names
  names=$(read_list marked | filter_installed)
  # shellcheck disable=SC2086
  [ -z "$names" ] || apt-mark auto $names >/dev/null
}

# --- accounts, units, kernel command line

# Remove the locks of a killed useradd: their process is gone, or its ID now belongs to another program.
clear_account_locks() {
  local name file pid
  for name in passwd shadow group gshadow subuid subgid; do
    for file in "/etc/$name.lock" "/etc/$name".[0-9]*; do
      [ -f "$file" ] && [ ! -L "$file" ] && [ "$(stat -c %s "$file")" -le 20 ] || continue
      pid=$(tr -d '\0' <"$file")
      [ -n "$pid" ] || pid=${file##*.}
      [[ $pid =~ ^[0-9]+$ ]] && [[ ${file##*.} = lock || ${file##*.} = "$pid" ]] || continue
      ! tr -d '\0' 2>/dev/null <"/proc/$pid/comm" | grep -qE '^(user|group|gpass|ch|pass|vi|ad|new|pw|grp)' || continue
      rm -f "/etc/$name+" "$file"
    done
  done
}

# If its creation was interrupted, the account is created again with the same user ID.
create_account() {
  local name=$1 uid='' home=/home/$1
  clear_account_locks
  if is_recorded accounts-begun "$name"; then
    uid=$(id -u "$name" 2>/dev/null) || true
    if is_half_created "$name"; then
      userdel --force "$name" 2>/dev/null || true
      ! grep -q "^$name:" /etc/group || groupdel "$name" || return
      is_recorded homes-before "$home" || rm -rf "$home"
    else
      forget_unfinished_account "$name"
    fi
  fi
  ! id -u "$name" >/dev/null 2>&1 || return 0
  if getent group "$name" >/dev/null; then
    echo "group $name already exists: remove it, or create the account with: useradd --create-home --gid $name $name" >&2
    return 1
  fi
  { [ ! -e "$home" ] || is_recorded accounts-begun "$name" || record homes-before "$home"; } &&
    record accounts-begun "$name" || return
  if ! useradd ${uid:+--uid "$uid"} --create-home --shell /bin/bash "$name"; then
    id -u "$name" >/dev/null 2>&1 || getent group "$name" >/dev/null || forget_unfinished_account "$name"
    return 1
  fi
  record accounts "$name" && forget_unfinished_account "$name"
}

# Succeed if the account has only what useradd writes, so it has never been used.
is_half_created() {
  local name=$1 home=/home/$1 gid=''
  if grep -q "^$name:" /etc/passwd; then
    gid=$(id -g "$name")
    grep -qE "^$name:x:[0-9]+:[0-9]+::$home:/bin/bash\$" /etc/passwd || return 1
    ! grep "^$name:" /etc/shadow | grep -qv "^$name:!:" || return 1
  fi
  ! grep -qE "^[^:]*:[^:]*:[^:]*:(.*,)?$name(,.*)?\$" /etc/group || return 1
  ! grep "^$name:" /etc/group | grep -qvE ":[0-9]+:\$" || return 1
  gid=${gid:-$(sed -n "s/^$name:[^:]*:\([0-9]*\):.*/\1/p" /etc/group)}
  [ -z "$gid" ] || [ -z "$(awk -F : -v gid="$gid" -v name="$name" '$4 == gid && $1 != name' /etc/passwd)" ] || return 1
  is_recorded homes-before "$home" || { [ ! -L "$home" ] && has_only_skel_files "$home"; }
}

has_only_skel_files() {
  local file
  [ -e "$1" ] || return 0
  [ -d "$1" ] || return 1
  find "$1" -mindepth 1 ! -type d -printf '%P\n' | while IFS= read -r file; do
    [ ! -L "$1/$file" ] || [ -L "/etc/skel/$file" ] || exit 1
    [ ! -s "$1/$file" ] || cmp -s "$1/$file" "/etc/skel/$file" || exit 1
  done
}

forget_unfinished_account() {
  unrecord accounts-begun "$1" && unrecord homes-before "/home/$1"
}

report_kept_account() {
  if id -u "$1" >/dev/null 2>&1; then
    report_kept "account $1 and its home; to remove both: deluser --remove-home $1"
  fi
}

# Record only groups that did not exist before.
create_group() {
  clear_account_locks
  getent group "$1" >/dev/null || { record groups "$1" && groupadd --system "$1"; }
}

remove_group() {
  is_recorded groups "$1" || return 0
  ! getent group "$1" >/dev/null || run_or_print "remove group $1" groupdel "$1"
  unrecord groups "$1"
}

remove_quota() {
  is_recorded quotas "$1" || return 0
  if id -u "$1" >/dev/null 2>&1 && command -v setquota >/dev/null; then
    run_or_print "remove the quota of $1" setquota -u "$1" 0 0 0 0 "$(df --output=target "$(getent passwd "$1" | cut -d : -f 6)" | tail -n 1)" 2>/dev/null || true
  fi
  unrecord quotas "$1"
}

# Record only units that were not enabled before.
record_unit() {
  ! command -v systemctl >/dev/null || systemctl is-enabled --quiet "$1" 2>/dev/null || record units "$1"
}

remove_unit() {
  if is_recorded units "$1" && command -v systemctl >/dev/null; then
    [ ! -d /run/systemd/system ] || run_or_print "stop $1" systemctl stop "$1"
    run_or_print "disable $1" systemctl disable --quiet "$1"
    unrecord units "$1"
  fi
  restore_file "/etc/systemd/system/$1"
  [ "$DRY_RUN" = yes ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# A unit that was enabled before keeps running, without the rig's configuration.
restart_unit() {
  ! is_recorded units "$1" || return 0
  [ -d /run/systemd/system ] && systemctl is-active --quiet "$1" || return 0
  run_or_print "restart $1" systemctl try-restart "$1"
}

restore_kernel_command_line() {
  local file=/etc/default/grub.d/rig.cfg
  if was_recorded_file "$file"; then
    [ "$DRY_RUN" = yes ] || record unfinished update-grub || return
    restore_file "$file" || return
  fi
  if [ "$DRY_RUN" = yes ] || is_recorded unfinished update-grub; then
    ! command -v update-grub >/dev/null || run_or_print "regenerate the GRUB menu" update-grub || return
    unrecord unfinished update-grub
  fi
}

# --- the end of an uninstall

remove_step_state() {
  [ "$DRY_RUN" = yes ] || rm -f "$STATE/$1" "$STATE/$1.keys" "$STATE/$1.groups"
}

# Remove what older versions of the rig have left behind, then the state.
remove_remaining() {
  local id folder path name others
  others=$(list_other_rigs)
  if [ -n "$others" ]; then
    report_kept "$STATE and files of older versions: still needed by $others"
    unrecord rigs "$RIG_NAME"
    return
  fi
  list_recorded_paths | sort -u | while IFS= read -r path; do restore_file "$path"; done
  read_list shared | while read -r id folder; do restore_contents "$id" "$folder"; done
  read_list trees | while IFS= read -r path; do remove_tree "$path"; done
  read_list packages | cut -d ' ' -f 1 | sort -u | while read -r id; do purge_packages "$id"; done
  read_list removed | while read -r name; do
    [ -n "$(printf '%s\n' "$name" | filter_installed)" ] || log_info_once "         package $name was removed by the installation and is not restored; install it again if you need it"
  done
  if [ "$DRY_RUN" = no ]; then
    restore_auto_marks
    rm -rf /opt/rig/lock /var/cache/rig
    read_list folders | sort -r | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || true; done
    rmdir /opt/rig/envs /opt/rig 2>/dev/null || true
    rm -rf "$STATE"
  fi
  [ ! -d /opt/rig ] || [ "$DRY_RUN" = yes ] || report_kept "/opt/rig: it still contains $(find /opt/rig -mindepth 1 -maxdepth 1 -printf '%f ')"
  log_info "the log $LOG was kept; driver and kernel arguments remain active until the next boot"
}

# --- the files of the lock, where the steps expect them

install_lock_files() {
  local directory file
  directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  mkdir -p /opt/rig/lock
  for file in packages.system.txt packages.fetch.txt packages.driver.txt packages.cuda.txt packages.service.txt packages.host-service.txt packages.tmux.txt packages.certificate.txt check-packages.sh apt-components.sh apt-source-line.sh notebook_config.py notebook_health.py verify_packages.py fastai.requirements.txt fastai.tools.txt fastai.sources.txt settings-fastai-keras gpus-of-users variables service-ssh-settings service-dyndns-interval service-dyndns-settings session-fastai session-loader notebook-alice-settings notebook-alice notebook-bob-settings notebook-bob; do
    [ -f "$directory/files/$file" ] || fail "missing file $directory/files/$file: copy $NAME together with its files/ directory"
    if ! cmp -s "$directory/files/$file" "/opt/rig/lock/$file"; then
      install -m 0644 "$directory/files/$file" "/opt/rig/lock/$file.rig-new"
      mv -fT "/opt/rig/lock/$file.rig-new" "/opt/rig/lock/$file"
    fi
  done
}

# --- output and log

# A full disk must not stop the installation: everything needed later is recorded elsewhere.
log() {
  [ "$DRY_RUN" = yes ] || printf '%(%F %T)T %s\n' -1 "$*" 2>/dev/null >&8 || true
}

# Print to the terminal and to the log.
log_info() {
  [ ! -t 7 ] || printf '\r\033[K' >&7
  printf '%s\n' "$*" >&7
  log "$*"
}

fail() {
  printf '%s: %s\n' "$NAME" "$*" >&2
  exit 1
}

open_log() {
  [ ! -L "$LOG" ] || fail "$LOG is a symbolic link; remove it"
  (umask 027 && : >>"$LOG")
  chmod 0640 "$LOG"
  exec 8>>"$LOG"
  printf '%(%F %T)T --- %s\n' -1 "$NAME $*" 2>/dev/null >&8 ||
    printf '%s: cannot write to %s: the output of the steps is lost\n' "$NAME" "$LOG" >&2
}

# Write the output of a step to the log, with a timestamp per line; a terminal shows the elapsed time.
log_output() {
  local line part='' status
  while true; do
    status=0
    IFS= read -r -t 1 line || status=$?
    if [ "$status" -eq 0 ]; then
      log "    $part$line"
      part=''
    elif [ "$status" -gt 128 ]; then
      part+=$line
    else
      [ -z "$part$line" ] || log "    $part$line"
      break
    fi
    [ ! -t 7 ] || printf '\r%s (%d s)' "$1" "$SECONDS" >&7
  done
}

# --- steps

# run_in_group FUNCTION LINE: run the function in a separate process group, so that a signal reaches all
# of it. A terminal shows LINE in the meantime.
run_in_group() {
  local status=0
  SECONDS=0
  set -m
  { "$1" </dev/null 2>&1 | log_output "$2"; } &
  STEP=$!
  set +m
  wait "$STEP" || status=$?
  STEP=''
  [ ! -t 7 ] || printf '\r\033[K' >&7
  return "$status"
}

run_step() {
  local count=$1 id=$2 name=${2//[^a-z0-9]/_} from
  if "is_done_$name" 2>/dev/null; then
    log_info "$count ok       $(title "$id")"
  elif [ "$DRY_RUN" = yes ]; then
    log_info "$count would do $(title "$id")"
  else
    log_info "$count doing    $(title "$id")"
    from=$(stat -c %s "$LOG")
    if ! run_in_group "apply_$name" "$count doing    $(title "$id")"; then
      tail -c "+$((from + 1))" "$LOG" | sed 's/^[-0-9]* [:0-9]* //' | tail -n 40 >&2
      log "step $id failed"
      fail "step $id failed: $(title "$id"); see $LOG, then run $NAME again"
    fi
    log_info "$count done     $(title "$id") ($SECONDS s)"
  fi
}

uninstall_step() {
  local count=$1 id=$2 name=${2//[^a-z0-9]/_}
  log_info "$count $([ "$DRY_RUN" = yes ] && echo 'would undo' || echo undoing) $(title "$id")"
  if [ "$DRY_RUN" = yes ]; then
    "remove_$name"
  elif ! run_in_group "remove_$name" "$count undoing"; then
    tail -n 20 "$LOG" >&2
    fail "could not undo step $id: $(title "$id"); see $LOG, then run $NAME again"
  fi
}

# Print the number and ID of each selected step.
list_selected_steps() {
  local index id
  for index in "${!STEPS[@]}"; do
    id=${STEPS[$index]}
    if [ -z "$ONLY" ] || [ "$id" = "$ONLY" ]; then
      printf '[%d/%d] %s\n' "$((index + 1))" 36 "$id"
    fi
  done
}

# --- install and uninstall

handle_signal() {
  trap '' HUP INT TERM
  if [ -n "$STEP" ]; then
    kill -TERM -- "-$STEP" 2>/dev/null || true
    wait "$STEP" || true
  fi
  log_info "stopped by $1: run $NAME again to resume"
  trap - EXIT
  exit "$2"
}

# The reboot has happened if the boot ID differs from the one that was recorded.
clear_reboot_due() {
  if [ -e "$STATE/reboot-due" ] && [ "$(cat "$STATE/reboot-due")" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then
    rm -f "$STATE/reboot-due"
    log_info "the required reboot has happened"
  fi
}

install_rig() {
  local count id
  if [ "$DRY_RUN" = no ]; then
    record rigs "$RIG_NAME" || fail "cannot write to $STATE; nothing was changed"
    install_lock_files
    clear_reboot_due
  fi
  while read -r count id <&6; do
    run_step "$count" "$id"
  done 6< <(list_selected_steps)
  if [ -e "$STATE/reboot-due" ]; then
    log_info "reboot this machine: $(title reboot). Then run $NAME again to verify the installation."
  fi
}

uninstall_rig() {
  local count id
  while read -r count id <&6; do
    uninstall_step "$count" "$id"
  done 6< <(list_selected_steps | tac)
  [ -n "$ONLY" ] || remove_remaining
}

# Only root can open the lock file: otherwise any user could block every installation.
take_lock() {
  mkdir -p "$STATE"
  (umask 077 && : >>"$STATE/lock")
  exec 9<"$STATE/lock"
  # An uninstall deletes the file: a lock on a deleted file has no effect.
  if ! flock --nonblock 9 || ! [ "$STATE/lock" -ef /dev/fd/9 ]; then
    fail "another installation is running; nothing was changed"
  fi
}

main() {
  local action=install_rig arguments="$*"
  DRY_RUN=no ALLOW_REMOVALS=no ONLY='' STEP='' LOGGED=''
  while [ $# -gt 0 ]; do
    case $1 in
      --help) usage; return ;;
      --list) printf '%s\n' "${STEPS[@]}"; return ;;
      --dry-run) DRY_RUN=yes ;;
      --allow-removals) ALLOW_REMOVALS=yes ;;
      --uninstall) action=uninstall_rig ;;
      --step)
        [ $# -ge 2 ] || { printf '%s: --step requires a step ID; see --list\n' "$NAME" >&2; exit 2; }
        ONLY=$2
        if [ -z "$(title "$ONLY")" ]; then
          printf '%s: no step "%s"; see --list\n' "$NAME" "$ONLY" >&2
          exit 2
        fi
        shift
        ;;
      *) printf '%s: unknown option: %s\n' "$NAME" "$1" >&2; usage >&2; exit 2 ;;
    esac
    shift
  done
  umask 022
  export LC_ALL=C.UTF-8
  exec 7>&1
  [ "$(id -u)" -eq 0 ] || fail "must be run as root; use sudo"
  apply_platform || fail "nothing was changed"
  if [ "$DRY_RUN" = no ]; then
    take_lock
    # Older versions created it readable by all users.
    [ ! -d "$RECORDS" ] || chmod 0700 "$RECORDS"
    trap 'handle_signal SIGHUP 129' HUP
    trap 'handle_signal SIGINT 130' INT
    trap 'handle_signal SIGTERM 143' TERM
    open_log "$arguments"
  fi
  "$action"
}

{ trap - EXIT; main "$@"; }
