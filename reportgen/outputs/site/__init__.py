"""Reports -> a static site: an index, a page for each report and each model, a feed; nothing has to run for it."""
