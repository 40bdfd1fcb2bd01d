"""What callers of the HTTP functions send and get: requests checked, answers as JSON, the page."""
