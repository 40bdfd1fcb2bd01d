"""Simulated execution: an opportunity's legs meet later books and become fills, a profit and its causes."""
