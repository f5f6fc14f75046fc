"""Labelled images as people have them: folders, manifests, archives; one shape of data for training and evaluation."""
