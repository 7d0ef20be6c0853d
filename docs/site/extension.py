"""The settings of the generator, Sphinx: the lexer, the requirements for the search, and what the theme leaves out."""

from typing import Any

from pygments.lexers.special import TextLexer

from docs.site.lexers import SessionLexer

SPECIFICATION = "spec/flurfunk-1"


def setup(app: Any) -> dict[str, bool]:
    """Extend Sphinx; it calls this itself."""
    app.add_config_value("flurfunk_requirements", [], "env")
    app.add_lexer("session", SessionLexer)
    app.add_lexer("haproxy", TextLexer)  # which Pygments does not know
    app.add_object_type("requirement", "requirement", objname="requirement")
    app.connect("builder-inited", _put_requirements_first)
    app.connect("doctree-read", _note_requirements)
    app.connect("html-page-context", _mend_page, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _put_requirements_first(app: Any) -> None:
    """Let a requirement stand before the pages that merely name it, in what the search finds."""
    app.env.domains["std"].object_types["requirement"].attrs["searchprio"] = 0


def _note_requirements(app: Any, _: Any) -> None:
    """Let the search find each requirement by its identifier."""
    if app.env.docname == SPECIFICATION:
        for one in app.config.flurfunk_requirements:
            app.env.domains["std"].note_object("requirement", one, one)


def _mend_page(app: Any, name: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Say the language of a page, and of the menu's headings which level they have."""
    menu = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = menu.replace('role="heading"', 'role="heading" aria-level="2"')
    if name.endswith(".de"):
        context["language"] = "de"
