# TensorFlow 1.8 and Keras on Python 2.7, without a GPU
# Builds a machine image of the rig legacy-cpu. Written by rigspec from lock
# 7d0664e35f90aaa5a7ab6ba1908c5576d0d87a4e8465a399908121e452bbc083.
#
#   packer init .
#   packer build .
#
# Set the variables in a file *.auto.pkrvars.hcl, or with -var NAME=VALUE.

variable "ssh_username" {
  type        = string
  description = "Account of the base image, with sudo"
}

variable "iso_url" {
  type        = string
  description = "Disk image of debian 11 for clouds"
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
  vm_name              = "legacy-cpu.qcow2"
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

  provisioner "shell" {
    inline = ["rm /tmp/rig-installer.sh"]
  }
}
