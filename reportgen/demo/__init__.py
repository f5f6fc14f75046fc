"""What a report can be made of without any file."""

OPACITY_KINDS = ("lobar", "patchy", "interstitial")
