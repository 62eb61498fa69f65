"""The figures of ``chainrule compare`` on images: families side by side."""
