"""Tests of the expansions."""
