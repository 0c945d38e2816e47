"""Pictures of scans and results: mosaics, plots and the frame of HTML pages."""
