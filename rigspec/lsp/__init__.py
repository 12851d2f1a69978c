"""The language server: diagnostics, repairs, hover and completion in editors."""
