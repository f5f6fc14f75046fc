"""DICOM files: their pixels as a viewer shows them, and whose study they belong to."""
