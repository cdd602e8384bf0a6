"""What readers see of the figures; only reads."""
