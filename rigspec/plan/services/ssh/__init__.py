"""sshd, and fail2ban for it."""
