"""The settings of the generator, Sphinx, and of its theme. Nothing of it asks for anything from outside."""

project = "Flurfunk"
extensions = ["myst_parser", "docs.site.extension"]
myst_heading_anchors = 3
smartquotes = False  # what is quoted is quoted as it stands

html_theme = "furo"
html_title = "Flurfunk"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_copyright = False
html_show_search_summary = False  # each would be fetched, which a page in a folder may not
html_use_index = False
html_domain_indices = False
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
