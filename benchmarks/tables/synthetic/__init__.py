"""Drawn rows beside real ones, by the protocols under which others publish figures."""
