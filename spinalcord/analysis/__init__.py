"""Analyse one scan: segment, classify, explain, and measure the results."""
