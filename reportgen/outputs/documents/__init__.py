"""A report as PDF, e-mail, DICOM object and archive."""
