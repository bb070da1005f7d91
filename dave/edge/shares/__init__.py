"""The shares that a node holds, on its disk: files, their database, reading, writing, scrubbing."""
