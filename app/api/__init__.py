"""HTTP: the only place that knows of requests and responses."""
