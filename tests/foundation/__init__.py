"""What everything else stands on: units, fields, codec, domain, errors, registry."""
