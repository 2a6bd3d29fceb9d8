"""Aliases: names that prototypes call, each pointing at the exact strategy version that answers."""
