#!/bin/bash
# Make signed packages and dnf repositories in /srv, with the tools of rpm.
#
# usage: dnf_repository.sh            # everything anew
#        dnf_repository.sh NAME VERSION NEEDS    # one more package of AppStream
set -eu
export GNUPGHOME=/root/gnupg HOME=/root
root=/srv/rocky build=/root/rpmbuild

make_package() {  # REPOSITORY NAME VERSION NEEDS PROVIDES
  {
    printf 'Name: %s\nVersion: %s\nRelease: 1.el9\nSummary: %s\nLicense: MIT\n' "$2" "$3" "$2"
    printf 'BuildArch: noarch\nAutoReqProv: no\n'
    for need in $4; do printf 'Requires: %s\n' "$need"; done
    for name in $5; do printf 'Provides: %s\n' "$name"; done
    printf '%%description\nA package of a test.\n%%install\n'
    printf 'mkdir -p %%{buildroot}/usr/share/rig-test\ndate +%%s%%N >%%{buildroot}/usr/share/rig-test/%s\n' "$2"
    printf '%%files\n/usr/share/rig-test/%s\n' "$2"
  } >"$build/$2.spec"
  rpmbuild -bb --quiet --define "_topdir $build" "$build/$2.spec" >/dev/null 2>&1
  rpm --define '__gpg /usr/bin/gpg' --define '_gpg_name test' --addsign "$build/RPMS/noarch/$2-$3-1.el9.noarch.rpm" >/dev/null 2>&1
  cp "$build/RPMS/noarch/$2-$3-1.el9.noarch.rpm" "$root/9/$1/x86_64/os/"
}

index() {
  for each in BaseOS AppStream; do
    # createrepo_c renames the folder, which overlayfs refuses for one of a lower layer.
    rm -rf "$root/9/$each/x86_64/os/repodata"
    createrepo_c --quiet "$root/9/$each/x86_64/os"
    gpg --batch --quiet --armor --detach-sign "$root/9/$each/x86_64/os/repodata/repomd.xml"
  done
}

if [ $# -gt 0 ]; then
  make_package AppStream "$1" "$2" "$3" ''
else
  rm -rf "$root" "$build" "$GNUPGHOME"
  mkdir -p "$root"/9/{BaseOS,AppStream}/x86_64/os "$build"
  mkdir -m 0700 "$GNUPGHOME"
  gpg --batch --quiet --passphrase '' --quick-generate-key test rsa3072 sign never
  gpg --armor --export test >"$root/RPM-GPG-KEY-Rocky-9"
  gpg --with-colons --list-keys test | awk -F : '$1 == "fpr" { print $10; exit }' >/srv/fingerprint
  for name in bash coreutils rocky-release; do make_package BaseOS "$name" 1.0 '' ''; done
  make_package BaseOS dnf 4.14 bash ''
  make_package AppStream lib 2.0 bash ''
  make_package AppStream tool 1.0 lib ''
fi
index
