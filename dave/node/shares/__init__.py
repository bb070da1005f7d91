"""Shares of files at a node: taken, kept, proved, sent, and mended."""
