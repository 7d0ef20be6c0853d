"""Colours a session file, or a part of one."""

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Keyword, Name, Operator, String, Text, Whitespace


class SessionLexer(RegexLexer):  # type: ignore[misc]
    """The notation of `spec/sessions/README.md`."""

    name = "Flurfunk session"
    aliases = ("session",)
    filenames = ("*.session",)
    tokens = {  # noqa: RUF012  (what the class of Pygments declares)
        "root": [
            (r"\n", Whitespace),
            (r"#.*", Comment.Single),
            (r"([a-z]+:)( *)(.*)", bygroups(Name.Attribute, Whitespace, Text)),
            (r"([a-z]+)( )(->)( ?)(.*)", bygroups(Name.Tag, Whitespace, Operator, Whitespace, String)),
            (r"([a-z]+)( )(=>)", bygroups(Name.Tag, Whitespace, Operator), "octets"),
            (
                r"([a-z]+)( )(<[-~])( )([A-Z]+|end|nothing)(.*)",
                bygroups(Name.Tag, Whitespace, Operator, Whitespace, Keyword, Text),
            ),
            (r"([a-z]+)( )(.*)", bygroups(Name.Tag, Whitespace, Keyword)),
            (r".+", Text),
        ],
        "octets": [
            (r"\n", Whitespace, "#pop"),
            (r'"', String, "string"),
            (r'[^"\n]+', Text),
        ],
        "string": [
            (r"\\(x[0-9a-fA-F]{2}|.)", String.Escape),
            (r'[^"\\\n]+', String),
            (r'"', String, "#pop"),
            (r"\n", Whitespace, "#pop:2"),
        ],
    }
