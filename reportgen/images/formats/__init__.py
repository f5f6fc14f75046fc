"""Image files that are not DICOM, by whoever decodes them."""
