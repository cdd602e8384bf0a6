"""Marts of one night: computed, checked, published, read back."""
