"""The HTTP API: each route reads, asks the desk and writes; what it decides is only the status code."""  # noqa: A005 - the surface's own name
