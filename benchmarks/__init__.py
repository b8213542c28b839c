"""Measurements of a running Conclave, each as ratios within one run; see README.md."""
