"""As whom a pod speaks to the API server."""
