"""Test likelihoods on published splits."""
