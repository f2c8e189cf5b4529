"""What holds whatever is asked."""
