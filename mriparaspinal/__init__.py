"""From contours on lumbar MRI slices to numbers that a study can rest on."""

__version__ = "0.1.0"
