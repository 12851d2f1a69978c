"""What is done to a machine, what the doctor must see of it, and the steps that fix it."""

from __future__ import annotations

import base64
import hashlib

from tests.doctor.fault import ANY, CHANGED, COMPLETE, Fault, differs, extra, missing
from tests.doctor.fixture_rig import CERTIFICATE, KEY, PASSWORD, PYTHON, SETTINGS
from tests.doctor.machine_faults import HARDWARE, HEALTH, LIBRARIES, NOTEBOOK, SERVICES
from tests.execution.all_step_kinds import KEY as SSH_KEY

LAB = "/opt/rig/envs/lab"
HOME_FILE = "/home/ada/.rig/settings.json"
SITE = "/opt/rig/envs/lab/lib/python3.11/site-packages"
ONE = f"{SITE}/rig_one-1.0.dist-info"
PROFILE = "/etc/profile.d/rig-planted.sh"
SSH_FOLDER = "/home/ada/.ssh"
SSH_KEYS = f"{SSH_FOLDER}/authorized_keys"
SSHD = "/etc/ssh/sshd_config.d/00-rig.conf"
KERAS = "/etc/skel/.keras/keras.json"
# The key has no valid blob, so its fingerprint is that of the whole line.
_DIGEST = hashlib.sha256(SSH_KEY.encode()).digest()
OWN_KEY = "key SHA256:" + base64.b64encode(_DIGEST).decode().rstrip("=")
# Recreating an environment also repeats the steps that change it.
ENVIRONMENT = ("env-lab", "variables-lab", "access-lab")
SIGNED = ("notebook-ada-certificate", "notebook-ada")
RESTART = f"systemctl restart {NOTEBOOK}"


def notebook_file(id: str) -> tuple[str, ...]:
    """Return the step of a file of the notebook, and the service that is restarted."""
    return (f"notebook-ada-{id}", "notebook-ada")


PACKAGES = {
    "a Python package moved": Fault(
        f"sed -i 's/^Version: .*/Version: 0.9/' {ONE}/METADATA",
        (differs("lab/rig-one", "version", "1.0", "0.9"),),
        ENVIRONMENT,
    ),
    "a Python package gone": Fault(
        f"rm -r {ONE} {SITE}/rig_one", (missing("lab/rig-one", "version", "1.0"),), ENVIRONMENT
    ),
    "a Python package that no lock knows": Fault(
        f"cp -r {ONE} {SITE}/stray-1.0.dist-info; rm {SITE}/stray-1.0.dist-info/RECORD; "
        f"sed -i 's/^Name: .*/Name: stray/' {SITE}/stray-1.0.dist-info/METADATA",
        (extra("lab/stray", "version", "1.0"),),
        ENVIRONMENT,
    ),
    "a file of a Python package gone": Fault(
        f"rm {SITE}/rig_two/__init__.py",
        (
            differs(
                "lab/rig-two",
                "files",
                COMPLETE,
                f"{CHANGED}lib/python3.11/site-packages/rig_two/__init__.py",
            ),
        ),
        ENVIRONMENT,
    ),
    "a Python package edited": Fault(
        f"echo '# more' >> {SITE}/rig_two/__init__.py",
        (differs("lab/rig-two", "files", COMPLETE, ANY),),
        ENVIRONMENT,
    ),
    # A script prints the version of another release.
    "an interpreter of another release": Fault(
        f"cd {PYTHON.removesuffix('/python')}; mv python real; printf '#!/bin/sh\\n"
        f'exec {PYTHON.removesuffix("python")}real "$@" | sed s/3.11.2/3.9.2/\\n\' > python; '
        "chmod 0755 python",
        (differs("lab", "python", "3.11", "3.9"),),
        ENVIRONMENT,
    ),
    "an interpreter gone": Fault(
        f"rm {PYTHON}",
        (
            missing("lab", "python", "3.11"),
            differs(NOTEBOOK, HEALTH, "responding", f"{PYTHON} is not installed"),
        ),
        (*ENVIRONMENT, "notebook-ada"),
    ),
    "a package of the system removed": Fault(
        "dpkg --remove --force-depends rig-needed",
        (missing("rig-needed", "version", "1.0"),),
        ("system-packages",),
    ),
    "a package of the system moved": Fault(
        "sed -i '/^Package: rig-needed$/,/^$/s/^Version: .*/Version: 9:9/' /var/lib/dpkg/status",
        (differs("rig-needed", "version", "1.0", "9:9"),),
        ("system-packages",),
    ),
    "a hold released": Fault(
        "apt-mark unhold rig-direct",
        (differs("rig-direct", "hold", "held", "not held"),),
        ("system-packages",),
    ),
    "a package of the driver removed": Fault(
        "dpkg --remove rig-tool", (missing("rig-tool", "version", "installed"),), ("driver",)
    ),
    "the key of a repository gone": Fault(
        "rm /etc/apt/keyrings/every.gpg", (missing("every", "key", ANY),), ("repository",)
    ),
    "the key of a repository another": Fault(
        "cp /usr/share/keyrings/debian-archive-bookworm-stable.gpg /etc/apt/keyrings/every.gpg",
        (differs("every", "key", ANY, ANY),),
        ("repository",),
    ),
    "a repository elsewhere": Fault(
        "echo 'deb http://127.0.0.1/else /' > /etc/apt/sources.list.d/every.list",
        (differs("every", "source", "file:///srv/repository /", "http://127.0.0.1/else /"),),
        ("repository",),
    ),
    "the sources of the archive gone": Fault(
        "rm /etc/apt/sources.list.d/rig.list",
        (missing("rig", "source", "file:///srv/archive /"),),
        ("archive",),
    ),
    "another release of the distribution": Fault(
        "cp --remove-destination /usr/lib/os-release /etc/os-release; "
        "sed -i 's/^VERSION_ID=.*/VERSION_ID=\"13\"/' /etc/os-release",
        (differs("os", "release", "debian 12", "debian 13"),),
        (),
        repair="ln -sf ../usr/lib/os-release /etc/os-release",
    ),
}

FILES = {
    "a download of another byte": Fault(
        "printf y | dd of=/srv/models/d.bin bs=1 seek=1000 conv=notrunc",
        (differs("/srv/models/d.bin", "sha256", ANY, ANY),),
        ("download",),
    ),
    "a download gone": Fault(
        "rm /srv/models/d.bin", (missing("/srv/models/d.bin", "sha256", ANY),), ("download",)
    ),
    "keras.json edited": Fault(
        f"sed -i s/tensorflow/theano/ {KERAS}",
        (differs(KERAS, "sha256", ANY, ANY),),
        ("keras-settings",),
    ),
    "settings gone": Fault(f"rm {KERAS}", (missing(KERAS, "sha256", ANY),), ("keras-settings",)),
    "settings that all may write": Fault(
        f"chmod 0666 {KERAS}", (differs(KERAS, "mode", "0644", "0666"),), ("keras-settings",)
    ),
    "settings of another owner": Fault(
        f"chown games {SSHD}",
        (differs(SSHD, "owner", "root:root", "games:root"),),
        ("ssh-settings",),
    ),
    "password log-in switched on": Fault(
        f"sed -i 's/PasswordAuthentication no/PasswordAuthentication yes/' {SSHD}",
        (differs(SSHD, "sha256", ANY, ANY),),
        ("ssh-settings",),
    ),
    "settings of the notebook edited": Fault(
        f"echo >> {SETTINGS}",
        (differs(SETTINGS, "sha256", ANY, ANY),),
        notebook_file("settings"),
    ),
    "a secret readable by all": Fault(
        f"chmod 0444 {PASSWORD}",
        (differs(PASSWORD, "mode", "0400", "0444"),),
        notebook_file("password"),
    ),
    "a secret of another owner": Fault(
        f"chown bob {PASSWORD}",
        (differs(PASSWORD, "owner", "ada:root", "bob:root"),),
        notebook_file("password"),
    ),
    "a secret gone": Fault(
        f"rm {PASSWORD}",
        (missing(PASSWORD, "owner", "ada:root"), missing("the secret", "check", PASSWORD)),
        notebook_file("password"),
    ),
    "the key of a certificate readable by all": Fault(
        f"chmod 0444 {KEY}", (differs(KEY, "mode", "0400", "0444"),), SIGNED
    ),
    "a certificate that has run out": Fault(
        f"openssl x509 -in {CERTIFICATE} -signkey {KEY} -days -1 -out /tmp/crt; "
        f"cat /tmp/crt > {CERTIFICATE}; {RESTART}",
        (
            differs(CERTIFICATE, "validity", "valid", ANY),
            differs(NOTEBOOK, HEALTH, "responding", ANY),
        ),
        SIGNED,
    ),
    "a certificate of a shorter key": Fault(
        "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=a "
        f"-days 3 -keyout /tmp/key -out /tmp/crt; cat /tmp/crt > {CERTIFICATE}; "
        f"cat /tmp/key > {KEY}; {RESTART}",
        (differs(CERTIFICATE, "algorithm", "ecdsa:p384", "ecdsa:p256"),),
        SIGNED,
    ),
    "the key of another certificate": Fault(
        f"openssl ecparam -name secp384r1 -genkey -noout > {KEY}",
        (differs(KEY, "key", "matches the certificate", "does not match the certificate"),),
        SIGNED,
    ),
    "no certificate in its file": Fault(
        f"echo > {CERTIFICATE}",
        (
            differs(CERTIFICATE, "validity", "valid", "not a certificate"),
            differs(CERTIFICATE, "algorithm", "ecdsa:p384", "not a certificate"),
            differs(KEY, "key", "matches the certificate", "does not match the certificate"),
            differs(NOTEBOOK, HEALTH, "responding", ANY),
        ),
        SIGNED,
    ),
    "a tool of an installer gone": Fault(
        "rm /opt/rig/tool/bin/tool",
        (missing("/opt/rig/tool/bin/tool", "presence", "present"),),
        ("installer",),
    ),
}

SESSION = {
    "a library path lost": Fault(
        f"sed -i /LD_LIBRARY_PATH/d {PROFILE}",
        (
            differs(PROFILE, "sha256", ANY, ANY),
            missing("LD_LIBRARY_PATH", "login shell", LIBRARIES),
        ),
        ("variables",),
    ),
    "a library path taken away by another start-up file": Fault(
        "echo unset LD_LIBRARY_PATH > /etc/profile.d/zz.sh",
        (missing("LD_LIBRARY_PATH", "login shell", LIBRARIES),),
        ("variables",),
        repair="rm /etc/profile.d/zz.sh",
    ),
    "a variable of another value": Fault(
        "echo export RIG=other > /etc/profile.d/zz.sh",
        (differs("RIG", "login shell", "planted", "other"),),
        ("variables",),
        repair="rm /etc/profile.d/zz.sh",
    ),
    "a variable of an environment lost": Fault(
        f"> {LAB}/etc/rig/activate.sh",
        (
            differs(f"{LAB}/etc/rig/activate.sh", "sha256", ANY, ANY),
            missing("lab/RIG_LAB", "activated", "here"),
        ),
        ("variables-lab",),
    ),
    "the variables gone": Fault(
        f"rm {PROFILE}",
        (
            missing(PROFILE, "sha256", ANY),
            missing("RIG", "login shell", "planted"),
            missing("LD_LIBRARY_PATH", "login shell", LIBRARIES),
        ),
        ("variables",),
    ),
}

ACCOUNTS = {
    "an account gone": Fault(
        "userdel --remove bob", (missing("bob", "home", "/home/bob"),), ("user-bob",)
    ),
    "a home of another owner": Fault(
        "chown root /home/ada", (differs("/home/ada", "owner", "ada:ada", "root:ada"),), ()
    ),
    "a folder of keys of another owner": Fault(
        f"chown root {SSH_FOLDER}", (differs(SSH_FOLDER, "owner", "ada:ada", "root:ada"),), ()
    ),
    "a group left": Fault(
        "gpasswd --delete ada video",
        (differs("ada", "group video", "member", "not a member"),),
        ("user-ada",),
    ),
    "another member of a group": Fault(
        "usermod --append --groups rig-env-lab bob",
        (differs("rig-env-lab", "members", "ada", "ada, bob"),),
        ("members-lab",),
    ),
    "an environment that all may enter": Fault(
        f"chmod 0755 {LAB}", (differs(LAB, "mode", "0750", "0755"),), ("access-lab",)
    ),
    "a file of a home gone": Fault(
        f"rm {HOME_FILE}", (missing(HOME_FILE, "presence", "present"),), ("user-ada",)
    ),
    "a password set": Fault(
        "usermod --password '$6$salt$hash' ada", (differs("ada", "password", "none", "set"),), ()
    ),
    "an account open without a password": Fault(
        "passwd --delete bob", (differs("bob", "password", "none", "empty"),), ()
    ),
    "a folder of keys that others look into": Fault(
        f"chmod 0755 {SSH_FOLDER}",
        (differs(SSH_FOLDER, "mode", "0700", "0755"),),
        ("user-ada",),
    ),
    "a key file readable by all": Fault(
        f"chmod 0644 {SSH_KEYS}", (differs(SSH_KEYS, "mode", "0600", "0644"),), ("user-ada",)
    ),
    "a key taken out": Fault(
        f"sed -i /AAAA/d {SSH_KEYS}", (missing(SSH_KEYS, OWN_KEY, SSH_KEY),), ("user-ada",)
    ),
    "the keys gone": Fault(
        f"rm {SSH_KEYS}",
        (missing(SSH_KEYS, "owner", "ada:ada"), missing(SSH_KEYS, OWN_KEY, SSH_KEY)),
        ("user-ada",),
    ),
    "a stranger's key": Fault(
        f"echo 'ssh-ed25519 AAAA stranger' >> {SSH_KEYS}",
        (extra(SSH_KEYS, ANY, "ssh-ed25519 AAAA stranger"),),
        (),
        repair=f"sed -i /stranger/d {SSH_KEYS}",
    ),
}

FAULTS = {**PACKAGES, **FILES, **SESSION, **ACCOUNTS, **SERVICES, **HARDWARE}
