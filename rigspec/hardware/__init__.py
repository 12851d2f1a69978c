"""Hardware specifications of machines: power, PCIe lanes, memory, clearance and cost."""
