# Read by Packer 1.7 and newer; `packer init .` installs the plugin.
packer {
  required_plugins {
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1"
    }
  }
}
