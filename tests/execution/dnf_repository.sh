#!/bin/bash
# Make signed packages and dnf repositories in /srv, with the tools of rpm: those of Rocky Linux, EPEL and NVIDIA.
#
# usage: dnf_repository.sh            # everything again
#        dnf_repository.sh NAME VERSION NEEDS    # one more package of AppStream
set -eu
export GNUPGHOME=/root/gnupg HOME=/root
build=/root/rpmbuild
base=/srv/rocky/9/BaseOS/x86_64/os app=/srv/rocky/9/AppStream/x86_64/os crb=/srv/rocky/9/CRB/x86_64/os
epel=/srv/pub/epel/9/Everything/x86_64 nvidia=/srv/compute/cuda/repos/rhel9/x86_64

# In NEEDS and PROVIDES `name=1.0` is a version. A package leaves a file with its name and time.
make_package() {  # FOLDER NAME [EPOCH:]VERSION[-RELEASE] NEEDS PROVIDES [CONFLICTS]
  local epoch=0 version=$3 release=1.el9 file
  case $version in *:*) epoch=${version%%:*} version=${version#*:} ;; esac
  case $version in *-*) release=${version#*-} version=${version%-*} ;; esac
  file=$2-$version-$release.noarch.rpm
  {
    printf 'Name: %s\nEpoch: %s\nVersion: %s\nRelease: %s\nSummary: %s\nLicense: MIT\n' \
      "$2" "$epoch" "$version" "$release" "$2"
    printf 'BuildArch: noarch\nAutoReqProv: no\n'
    for each in $4; do printf 'Requires: %s\n' "${each/=/ = }"; done
    for each in $5; do printf 'Provides: %s\n' "${each/=/ = }"; done
    for each in ${6-}; do printf 'Conflicts: %s\n' "$each"; done
    printf '%%description\nA package of a test.\n%%install\n'
    printf 'mkdir -p %%{buildroot}/usr/share/rig-test\ndate +%%s%%N >%%{buildroot}/usr/share/rig-test/%s\n' "$2"
    printf '%%files\n/usr/share/rig-test/%s\n' "$2"
  } >"$build/$2.spec"
  rpmbuild -bb --quiet --define "_topdir $build" "$build/$2.spec" >/dev/null 2>&1
  rpm --define '__gpg /usr/bin/gpg' --define '_gpg_name test' --addsign "$build/RPMS/noarch/$file" >/dev/null 2>&1
  cp "$build/RPMS/noarch/$file" "$1/"
}

make_driver() {  # VERSION: the packages of a driver, with the names and needs of NVIDIA's
  local v=3:$1
  make_package "$nvidia" kmod-nvidia-open-dkms "$v" dkms "nvidia-kmod=$v" kmod-nvidia-latest-dkms
  make_package "$nvidia" kmod-nvidia-latest-dkms "$v" dkms "nvidia-kmod=$v" kmod-nvidia-open-dkms
  make_package "$nvidia" nvidia-kmod-common "$v" "nvidia-kmod=$v" ''
  make_package "$nvidia" nvidia-driver "$v" "nvidia-kmod-common=$v libOpenCL ocl-icd" ''
  make_package "$nvidia" nvidia-open "$v" "nvidia-driver=$v" ''
  make_package "$nvidia" cuda-drivers "$v" "nvidia-driver=$v" ''
}

print_modules() {  # no stream is the default, so dnf hides the packages
  local version name
  for version; do
    printf -- '---\ndocument: modulemd\nversion: 2\ndata:\n  name: nvidia-driver\n  stream: "%s-open"\n  version: 1\n' "${version%%.*}"
    printf '  context: c0\n  arch: x86_64\n  summary: s\n  description: d\n  license: {module: [MIT]}\n  artifacts:\n    rpms:\n'
    for name in nvidia-open nvidia-driver nvidia-kmod-common kmod-nvidia-open-dkms; do
      printf '    - %s-3:%s-1.el9.noarch\n' "$name" "$version"
    done
    printf '...\n'
  done
}

index() {
  for each in "$base" "$app" "$crb" "$epel" "$nvidia"; do
    # createrepo_c renames the folder, which overlayfs refuses for one of a lower layer.
    rm -rf "$each/repodata"
    createrepo_c --quiet "$each"
    [ ! -e "$each/modules.yaml" ] || modifyrepo_c --mdtype=modules "$each/modules.yaml" "$each/repodata" >/dev/null
    # EPEL does not sign its index.
    [ "$each" = "$epel" ] || gpg --batch --quiet --armor --detach-sign "$each/repodata/repomd.xml"
  done
}

if [ $# -gt 0 ]; then
  make_package "$app" "$1" "$2" "$3" ''
else
  rm -rf /srv/rocky /srv/pub /srv/compute "$build" "$GNUPGHOME"
  mkdir -p "$base" "$app" "$crb" "$epel" "$nvidia" "$build"
  mkdir -m 0700 "$GNUPGHOME"
  gpg --batch --quiet --passphrase '' --quick-generate-key test rsa3072 sign never
  for key in /srv/rocky/RPM-GPG-KEY-Rocky-9 /srv/pub/epel/RPM-GPG-KEY-EPEL-9 "$nvidia/D42D0685.pub"; do
    gpg --armor --export test >"$key"
  done
  for name in bash coreutils rocky-release bzip2 ca-certificates curl tar python3-dnf-plugin-versionlock; do
    make_package "$base" "$name" 1.0 '' ''
  done
  make_package "$base" dnf 4.14 bash ''
  make_package "$app" lib 2.0 bash ''
  make_package "$app" tool 1.0 lib ''
  make_package "$app" libOpenCL 1.0 '' ''
  make_package "$crb" ocl-icd 1.0 '' ''
  make_package "$epel" dkms 3.2.0 'bash' ''
  make_driver 580.95.05
  make_driver 620.70.06
  make_package "$nvidia" cuda-nvcc-12-9 12.9.86-1 '' ''
  make_package "$nvidia" cuda-toolkit-12-9 12.9.1-1 cuda-nvcc-12-9 ''
  print_modules 580.95.05 620.70.06 >"$nvidia/modules.yaml"
  # Last: the test takes the root as complete with it.
  index
  gpg --with-colons --list-keys test | awk -F : '$1 == "fpr" { print $10; exit }' >/srv/fingerprint
fi
[ $# -eq 0 ] || index
