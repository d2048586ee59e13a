"""Audits: what evidence tells beyond whether it is right."""
