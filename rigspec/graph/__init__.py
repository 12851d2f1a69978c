"""A resolved rig as a picture: what stands on what, and the facts between them."""
