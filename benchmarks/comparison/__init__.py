"""The families side by side on images: ``chainrule compare``, its figures kept."""
