"""What is done to one scan: segment, classify, explain, and measure the results."""
