"""Statistics: matching, intervals, metrics. scipy and numpy are imported when they are needed, not before."""
