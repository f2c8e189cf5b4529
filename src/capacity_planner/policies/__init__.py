"""Rules by which workers are scaled today, one file each: what is seen → workers wanted. No queue, no forecasts."""
