"""DICOM and NIfTI made into a dataset (prepare)."""
