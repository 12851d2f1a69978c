"""Draw a resolved rig as a graph of components and the rules between them."""
