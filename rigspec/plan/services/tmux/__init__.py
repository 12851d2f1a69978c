"""tmux sessions."""
