"""C++ source as tokens: what the rules of rules.py look at."""

import bisect
import re

TOKEN = re.compile(
    r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:\\\n|[^\n])*)
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])+')
  | (?P<number>0[xX][0-9a-fA-F'.]+(?:[pP][+-]?\d+)?[uUlLfF]*|(?:\d[\d']*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[uUlLfF]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<operator><<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|::|\.\.\.|.)
    """,
    re.X | re.S | re.M,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}
NO_CODE = frozenset("static_assert __launch_bounds__ __attribute__ alignas".split())
KEYWORDS = frozenset("return case else do throw new delete goto operator sizeof".split())


class Token:
    __slots__ = ("kind", "text", "begin", "end")

    def __init__(self, kind, text, begin, end):
        self.kind, self.text, self.begin, self.end = kind, text, begin, end

    def __repr__(self):
        return self.text


class Source:
    """A file's text and its tokens, without comments, white space and preprocessor directives."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = [0] + [m.end() for m in re.finditer("\n", text)]
        self.tokens = [
            Token(m.lastgroup, m.group(), m.start(), m.end()) for m in TOKEN.finditer(text) if m.lastgroup != "skip"
        ]
        self.partner = self._match_brackets()
        self.ignored = self._ignored()

    def place(self, offset):
        """Line and column of an offset, both from 1."""
        line = bisect.bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1

    def at(self, i):
        """The text of a token; "" beyond the ends."""
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def ends_operand(self, i):
        """Whether a value may end with this token, so that an operator behind it is binary."""
        token = self.tokens[i] if i >= 0 else None
        if token is None:
            return False
        is_name = token.kind == "name" and token.text not in KEYWORDS
        return is_name or token.text in (")", "]") or token.kind == "number"

    def is_binary(self, i):
        """Whether an operator stands between two values: clang-format puts spaces around it then, and only then."""
        token = self.tokens[i]
        spaced = self.text[token.begin - 1].isspace() and self.text[token.end : token.end + 1].isspace()
        return spaced and self.ends_operand(i - 1)

    def extent(self, i, step, stops):
        """The last token in a direction before one of `stops` or the end of the enclosing bracket."""
        while True:
            following = i + step
            text = self.at(following)
            if not text or text in stops or text in (")]}" if step > 0 else "([{"):
                return i
            jump = self.partner.get(following)
            i = jump if jump is not None and (jump - following) * step > 0 else following

    def arguments(self, opening):
        """The arguments of a call as (first token, last token), from its opening bracket."""
        first, closing, result = opening + 1, self.partner[opening], []
        while first < closing:
            last = self.extent(first - 1, 1, {","})
            result.append((first, last))
            first = last + 2
        return result

    def slice(self, first, last):
        return self.text[self.tokens[first].begin : self.tokens[last].end]

    def _match_brackets(self):
        partner, open_brackets = {}, []
        for i, token in enumerate(self.tokens):
            if token.kind != "operator":
                continue
            if token.text in CLOSING:
                open_brackets.append(i)
            elif token.text in ")]}" and open_brackets and CLOSING[self.at(open_brackets[-1])] == token.text:
                partner[i] = open_brackets.pop()
                partner[partner[i]] = i
        return partner

    def _ignored(self):
        """Tokens that are no code of a function: enumerators, template parameters, static assertions, launch bounds."""
        result = set()
        for i, token in enumerate(self.tokens):
            if token.text == "enum":
                opening = self.extent(i, 1, {"{", ";"}) + 1
                if self.at(opening) == "{":
                    result.update(range(i, self.partner[opening] + 1))
            elif token.text in NO_CODE and self.at(i + 1) == "(":
                result.update(range(i, self.partner[i + 1] + 1))
            elif token.text == "template" and self.at(i + 1) == "<":
                depth, j = 0, i + 1
                while j < len(self.tokens):
                    depth += {"<": 1, ">": -1, ">>": -2}.get(self.at(j), 0)
                    result.add(j)
                    if depth <= 0:
                        break
                    j += 1
        return result


def enumerators(texts):
    """What each enumerator becomes: the next one of its enumeration, and the last the first."""
    neighbour = {}
    for text in texts:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
        for body in re.findall(r"\benum\b[^;{}]*\{([^}]*)\}", text):
            names = re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)", body)
            for i, name in enumerate(names):
                if len(names) > 1:
                    neighbour[name] = names[(i + 1) % len(names)]
    return neighbour
