"""What the service keeps: samples, plans, orders, outcomes, configurations and leases, in SQLite or PostgreSQL.

Only this room speaks SQL. It keeps and finds; it decides nothing but who came first.
"""
