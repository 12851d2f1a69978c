# A two-user fastai server
# Builds a machine image of the rig dl-server. Written by rigspec from lock
# 7cf3c93775d0938a10da227b33110248cdc16df11e3655715a1bbfe40282ad80.
#
#   packer init .
#   packer build .
#
# Set the variables in a file *.auto.pkrvars.hcl, or with -var NAME=VALUE.
#
# The image contains generated passwords and keys. Every machine that starts from it has the same.

variable "ssh_username" {
  type        = string
  description = "Account of the base image, with sudo"
}

variable "iso_url" {
  type        = string
  description = "Disk image of ubuntu 16.04 for clouds"
}

variable "iso_checksum" {
  type        = string
  description = "Its checksum, such as sha512:…"
}

variable "seed" {
  type        = string
  description = "NoCloud seed with a public key for the account, made by cloud-localds"
}

variable "ssh_private_key_file" {
  type        = string
  description = "Private key for the account"
}

source "qemu" "rig" {
  vm_name              = "dl-server.qcow2"
  iso_url              = var.iso_url
  iso_checksum         = var.iso_checksum
  disk_image           = true
  disk_size            = "64G"
  memory               = 4096
  headless             = true
  qemuargs             = [["-cdrom", var.seed]]
  ssh_username         = var.ssh_username
  ssh_private_key_file = var.ssh_private_key_file
  ssh_timeout          = "15m"
  shutdown_command     = "sudo shutdown -P now"
}

build {
  sources = ["source.qemu.rig"]

  provisioner "file" {
    source      = "${path.root}/rig-installer.sh"
    destination = "/tmp/rig-installer.sh"
  }

  provisioner "shell" {
    inline = [
      "echo 'SHA256  /tmp/rig-installer.sh' | sha256sum --check --quiet",
      "sudo bash /tmp/rig-installer.sh",
    ]
  }

  # The driver is loaded at the next boot.
  provisioner "shell" {
    inline            = ["if sudo test -e /var/lib/rig/reboot-due; then sudo reboot; fi"]
    expect_disconnect = true
  }

  # Completed steps are skipped; the result is verified against the lock.
  provisioner "shell" {
    pause_before = "30s"
    inline       = ["sudo bash /tmp/rig-installer.sh"]
  }

  provisioner "shell" {
    inline = ["rm /tmp/rig-installer.sh"]
  }
}
