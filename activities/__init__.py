"""Everything that touches the world. Files here are thin; adapters live in the subfolders, each around one library."""
