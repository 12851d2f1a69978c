"""From a plan to files: finds a backend, renders it, writes whole trees or nothing."""
