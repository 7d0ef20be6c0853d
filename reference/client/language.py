"""Which language the client speaks.

Pure.
"""

from collections.abc import Mapping, Sequence

from reference.client.texts import Texts

LANGUAGES = ("de", "en")
OPTION = "--language"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts


def asked_for(arguments: Sequence[str]) -> str:
    """Return what stands behind the option of the command line, which decides how all else of it is explained."""
    asked = ""
    for place, word in enumerate(arguments):
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name == OPTION:
            asked = value if equals else "".join(arguments[place + 1 : place + 2])
    return asked


def of_locale(environment: Mapping[str, str]) -> str:
    """Return the language of the environment, `en` where it is none of those that the client has."""
    locale = next((environment[name] for name in _LOCALE if environment.get(name)), "")
    return "de" if locale.partition(".")[0].partition("_")[0].lower() in ("de", "german") else "en"


def texts_in(language: str) -> Texts:
    """Return the texts of a language, English where there are none."""
    if language == "de":
        from reference.client.texts_de import GERMAN  # one language is enough

        return GERMAN
    from reference.client.texts_en import ENGLISH

    return ENGLISH
