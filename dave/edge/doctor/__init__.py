"""`dave doctor`: what could be wrong with a node or a client, looked at one thing after another."""
