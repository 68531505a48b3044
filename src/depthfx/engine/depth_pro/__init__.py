"""Depth Pro: sharp metric depth from one photo (Bochkovskii and others, arXiv 2410.02073)."""
