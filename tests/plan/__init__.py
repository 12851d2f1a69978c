"""Services of a host: what is said of them without one."""
