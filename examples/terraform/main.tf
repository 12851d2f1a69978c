# OpenTofu reads this file, too.
terraform {
  required_version = ">= 1.4"
}

locals {
  user_data = "${path.module}/out/cloud-init/user-data"
}

# Stands for an instance of any provider: it is replaced when the rig changes.
resource "terraform_data" "instance" {
  triggers_replace = filesha256(local.user_data)
}

# Providers take the content as base64, because it may be compressed.
output "user_data_base64" {
  value = filebase64(local.user_data)
}
