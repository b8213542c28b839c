"""Static halves of the experts: analysers in a sandbox, our rule pack, and who uses which."""
