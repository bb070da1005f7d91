"""The node's HTTP interface. Loaded only where `Config.http` is set, since aiohttp is large."""
