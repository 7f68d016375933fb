"""Runs the line echo servers, one after the other, under the load generator."""
