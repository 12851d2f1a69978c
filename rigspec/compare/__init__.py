"""Two machines of one rig, side by side."""
