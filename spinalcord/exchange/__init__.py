"""Results for other programs: DICOM objects for hospitals, segmentations for 3D Slicer."""
