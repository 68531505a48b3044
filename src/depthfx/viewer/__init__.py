"""The 3D photo as one web page."""

from depthfx.viewer.page import html_element, html_page, write

__all__ = ["html_element", "html_page", "write"]
