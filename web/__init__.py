"""Our manners over HTTP, for every service: middleware and functions that FastAPI services and Bentos both wear."""
