"""What every room stands on: facts, text from outside, errors, files, exit statuses."""
