"""Scans: read from files, oriented, prepared for the networks, and results written back."""
