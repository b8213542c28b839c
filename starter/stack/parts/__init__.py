"""One file per part of the local stack."""
