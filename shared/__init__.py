"""The product: domain, records, ports, steps, adapters and the composition that wires them."""
