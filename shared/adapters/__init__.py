"""The outside world, one vendor a package; adapters never import each other."""
