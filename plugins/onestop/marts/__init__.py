"""Marts of one night: computing, publishing and reading them."""
