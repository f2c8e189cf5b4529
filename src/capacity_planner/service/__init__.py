"""The service behind the surfaces: one desk that answers, one loop that plans by itself, and what guards both.

HTTP, gRPC and the command line ask this floor and translate; nothing here knows a wire.
"""
