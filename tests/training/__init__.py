"""Tests of spinalcord.training; a package, for its files share names with those above it."""
