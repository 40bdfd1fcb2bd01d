"""The four venues' public and signed REST endpoints, one module a venue."""
