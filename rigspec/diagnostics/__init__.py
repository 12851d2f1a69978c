"""What rigspec tells a person: values first, renderers apart."""
