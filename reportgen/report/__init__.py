"""The report as data: nothing here reads, computes or writes."""
