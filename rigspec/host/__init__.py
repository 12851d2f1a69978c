"""What a live machine is made of: asked, recorded, read, and written down as a spec."""
