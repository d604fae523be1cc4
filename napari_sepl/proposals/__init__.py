"""Generators of masks: SAM, or regions of similar colour without SAM."""
