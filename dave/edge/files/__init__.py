"""Files of a client: read, coded, sent, found again, written; folders, ranges, resumption."""
