"""The specification's grammar as an oracle: does a line, as octets, match a rule?

The ABNF file is read by the library `abnf`; since its rules are regular, each is turned into one regular expression.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import abnf
from abnf.parser import Alternation, Concatenation, Literal, Option, Repetition

_SINGLE = re.compile(r"\[[^]]*\]|\\x..")  # an expression for one octet
_COMMENT = re.compile(r'("[^"]*")|;.*')  # or a string, in which a semicolon begins none
_BLANKS = re.compile(r'("[^"]*")|\n?[ \t]+')  # or a string; a line that begins with a blank goes on with a rule


class Grammar:
    """The rules of one grammar file."""

    def __init__(self, path: Path) -> None:
        """`path`: a file of RFC 5234 with RFC 7405. Raises ValueError where it is not well-formed."""
        lines = (_COMMENT.sub(r"\1", line).rstrip() for line in path.read_text(encoding="ascii").splitlines())
        text = "\n".join(line for line in lines if line)
        try:
            self._rules = _parsed(_BLANKS.sub(lambda found: found[1] or " ", text))
        except (abnf.ParseError, abnf.GrammarError) as error:
            raise ValueError(f"{path} is not well-formed ABNF: {error}") from error
        self._compiled = cache(self._compile)

    def matches(self, rule: str, octets: bytes) -> bool:
        """Whether the whole of `octets` matches the rule; raises KeyError where the grammar does not have it."""
        return self.matcher(rule)(octets) is not None

    def matcher(self, rule: str) -> Callable[[bytes], object]:
        """Return what tells, by something that is true, that octets match the rule; raises as `matches`."""
        return self._compiled(rule).fullmatch

    def rule_names(self) -> set[str]:
        """Return the names of the rules that the file defines."""
        return {rule.name for rule in self._rules.rules() if _is_defined(rule)}  # type: ignore[no-untyped-call]

    def reachable(self, *roots: str) -> set[str]:
        """Return the names of all rules that are needed for `roots`; raises KeyError where one is not defined."""
        seen: set[str] = set()
        waiting = [self._rule(root) for root in roots]
        while waiting:
            rule = waiting.pop()
            if rule.name not in seen:
                seen.add(rule.name)
                waiting += [self._rule(name) for name in _references(rule.definition)]
        return seen

    def _rule(self, name: str) -> Any:
        rule = self._rules.get(name)
        if rule is None or not _is_defined(rule):
            raise KeyError(name)
        return rule

    def _compile(self, name: str) -> re.Pattern[bytes]:
        return re.compile(self._expression(self._rule(name)).encode("latin-1"), re.DOTALL)

    def _expression(self, node: Any) -> str:
        """Return a regular expression, over characters that stand for octets."""
        match node:
            case abnf.Rule():
                return self._expression(self._rule(node.name).definition)
            case Alternation():
                return _either(*_parted(self._branches(node)))
            case Concatenation():
                return "".join(self._expression(part) for part in node.parsers)
            case Option():
                return f"(?:{self._expression(node.alternation)})?"
            case Repetition():
                return _repeated(*_parted(self._branches(node.element)), node.repeat.min, node.repeat.max)
            case Literal(value=(first, last)):
                return f"[{_octet(first)}-{_octet(last)}]"
            case Literal():
                literal = "".join(map(_octet, node.value))
                has_case = not node.case_sensitive and node.value.upper() != node.value.lower()
                return f"(?i:{literal})" if has_case else literal
            case _:
                raise ValueError(f"no regular expression for {node!r}")

    def _branches(self, node: Any) -> list[str]:
        """Return the expressions of which one has to match; of alternations within an alternation, too."""
        match node:
            case abnf.Rule():
                return self._branches(self._rule(node.name).definition)
            case Alternation():
                return [branch for part in node.parsers for branch in self._branches(part)]
            case _:
                return [self._expression(node)]


@cache
def _parsed(text: str) -> type[abnf.Rule]:
    """Return the rules of a grammar, in a class as the library keeps them; raises its errors.

    The library is slow, and takes as long for comments and blanks as for rules: `text` has as few as can be.
    """

    class Rules(abnf.Rule):
        pass

    Rules.load_grammar(text)  # which has the line ends of the RFC then
    return Rules


def _is_defined(rule: Any) -> bool:
    return getattr(rule, "_definition", None) is not None or hasattr(rule, "definition")


def _references(node: Any) -> list[str]:
    """Return the names of the rules that stand in a definition."""
    match node:
        case abnf.Rule():
            return [node.name]
        case Alternation() | Concatenation():
            return [name for part in node.parsers for name in _references(part)]
        case Option():
            return _references(node.alternation)
        case Repetition():
            return _references(node.element)
        case _:
            return []


def _parted(branches: list[str]) -> tuple[str, list[str]]:
    """Return all branches of a single octet as one set, empty if there are none, and the other branches."""
    single = [branch for branch in branches if _SINGLE.fullmatch(branch)]
    members = "".join(branch.strip("[]") for branch in single)
    return members and f"[{members}]", [branch for branch in branches if branch not in single]


def _either(octet: str, others: list[str]) -> str:
    return f"(?:{'|'.join([*([octet] if octet else []), *others])})"


def _repeated(octet: str, others: list[str], least: int, most: int | None) -> str:
    """Return a repetition; one without a bound goes from one of `others` to the next: that makes long lines quick."""
    one = _either(octet, others)
    if not octet or not others or most is not None or least > 1:
        return f"{octet if octet and not others else one}{_times(least, most)}"
    return f"{one if least else ''}{octet}*(?:(?:{'|'.join(others)}){octet}*)*"


def _times(least: int, most: int | None) -> str:
    return f"{{{least},{'' if most is None else most}}}"


def _octet(character: str) -> str:
    return f"\\x{ord(character):02x}"
