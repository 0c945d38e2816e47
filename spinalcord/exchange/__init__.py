"""Export results to other programs: DICOM objects, segmentations for 3D Slicer."""
