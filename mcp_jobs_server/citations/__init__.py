"""Checks a draft against the quotes it cites: ``checking`` answers, ``verdicts`` judges a claim."""
