"""The rules that make mutants of C++ source: each a small fault that a programmer could have written."""

import random
import re

import source as cpp

OPERATORS = {
    "+": ("sign", "-"), "-": ("sign", "+"), "+=": ("sign", "-="), "-=": ("sign", "+="),
    "++": ("sign", "--"), "--": ("sign", "++"),
    "*": ("scale", "/"), "/": ("scale", "*"), "%": ("scale", "/"), "*=": ("scale", "/="), "/=": ("scale", "*="),
    "<": ("boundary", "<="), "<=": ("boundary", "<"), ">": ("boundary", ">="), ">=": ("boundary", ">"),
    "==": ("equality", "!="), "!=": ("equality", "=="),
    "&": ("bits", "|"), "|": ("bits", "&"), "^": ("bits", "|"), "<<": ("bits", ">>"), ">>": ("bits", "<<"),
    "|=": ("bits", "&="), "&=": ("bits", "|="),
}  # fmt: skip
CALLS = {
    "min": "max", "max": "min", "fmin": "fmax", "fmax": "fmin", "fminf": "fmaxf", "fmaxf": "fminf", "Min": "Max",
    "Max": "Min", "Maximise": "Minimise", "Minimise": "Maximise", "And": "Or", "Or": "And", "Gt": "Ge", "Ge": "Gt",
    "Lt": "Le", "Le": "Lt", "Eq": "Ne", "Ne": "Eq", "Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul",
    "MulAdd": "MulSub", "ShiftLeft": "ShiftRight", "ShiftRight": "ShiftLeft",
}  # fmt: skip
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>="}
LEAVES = {"return", "continue", "break", "PLAIT_REFUSE"}
DECLARATION = re.compile(r"[A-Za-z_][\w:]*(<[^;=()]*>)?(\s*[*&]+\s*|\s+)[A-Za-z_]\w*\s*([(=;{\[,:]|$)")
NO_STATEMENT = frozenset(
    "const static constexpr using template struct class enum return if for while do switch case default else typedef"
    " namespace explicit public private inline friend extern auto goto PLAIT_REFUSE HWY_BEFORE_NAMESPACE"
    " HWY_AFTER_NAMESPACE HWY_ALIGN".split()
)


class Mutant:
    """One change of one file. Its id stays as long as the file does."""

    def __init__(self, source, rule, begin, end, replacement):
        self.path, self.rule, self.begin, self.end = source.path, rule, begin, end
        self.line, self.column = source.place(begin)
        self.original = source.text[begin:end]
        # Lines keep their numbers, so that the compiler's output differs only if the code does.
        self.replacement = replacement + "\n" * (self.original.count("\n") - replacement.count("\n"))

    @property
    def id(self):
        return f"{self.path}:{self.line}:{self.column}:{self.rule}"

    def apply(self, text):
        assert text[self.begin : self.end] == self.original, self.id
        return text[: self.begin] + self.replacement + text[self.end :]

    def diff(self, text):
        """The changed lines, old and new."""
        first, last = text.rfind("\n", 0, self.begin) + 1, text.find("\n", self.end)
        old = text[first:last].split("\n")
        new = self.apply(text)[first : last + len(self.replacement) - len(self.original)].split("\n")
        return "\n".join(["-" + line for line in old] + ["+" + line for line in new if line.strip()])


def mutants(path, text, neighbours):
    """All mutants of a file, in its order. `neighbours`: source.enumerators of what the file sees."""
    source = cpp.Source(path, text)
    found = {}
    for rule in (_tokens, _names, _numbers, _conditions, _operands, _selects, _loops, _statements):
        for name, begin, end, replacement in rule(source, neighbours):
            mutant = Mutant(source, name, begin, end, replacement)
            if replacement != mutant.original:
                found.setdefault(mutant.id, mutant)
    return sorted(found.values(), key=lambda m: (m.begin, m.rule))


def sample(pool, count, seed):
    """`count` mutants, spread evenly over files and rules: every n-th of the pool sorted by both, from a random start.

    In random order, so that a run that is cut short has still judged a sample.
    """
    rng = random.Random(seed)
    ranked = sorted(pool, key=lambda m: (m.path, m.rule, rng.random()))
    step = max(1.0, len(ranked) / count)
    start = rng.random() * step
    chosen = [ranked[int(start + i * step)] for i in range(min(count, len(ranked)))]
    rng.shuffle(chosen)
    return chosen


def _each(source):
    return ((i, token) for i, token in enumerate(source.tokens) if i not in source.ignored)


def _tokens(source, _):
    for i, token in _each(source):
        rule = OPERATORS.get(token.text) if token.kind == "operator" else None
        binary = rule and (source.is_binary(i) or token.text in ("++", "--"))
        if binary:
            yield rule[0], token.begin, token.end, rule[1]
        elif token.text == "-" and not source.ends_operand(i - 1) and source.at(i - 1) != "operator":
            yield "negation", token.begin, token.end, ""
        elif token.text == "!" and source.at(i - 1) != "operator":
            yield "negation", token.begin, token.end, ""


def _names(source, neighbours):
    for i, token in _each(source):
        if token.kind != "name":
            continue
        if token.text in neighbours and source.at(i - 1) != "case":
            yield "enum", token.begin, token.end, neighbours[token.text]
        elif token.text in ("true", "false"):
            yield "bool", token.begin, token.end, "false" if token.text == "true" else "true"
        elif token.text in CALLS and source.at(i + 1) in ("(", "<") and source.at(i - 1) not in (".", "->"):
            if token.text not in ("Add", "Sub", "Mul", "Div") or source.at(i - 1) == "::":
                yield "call", token.begin, token.end, CALLS[token.text]


def _numbers(source, _):
    for i, token in _each(source):
        if token.kind != "number":
            continue
        digits = token.text.replace("'", "")
        is_hex = digits[:2].lower() == "0x"
        if "." in digits or ("p" in digits.lower() if is_hex else re.search("[eE]|[fF]$", digits)):
            bare = digits.rstrip("fFlL") if not is_hex or "p" in digits.lower() else digits
            value = float.fromhex(bare) if is_hex else float(bare)
            yield "perturb", token.begin, token.end, repr(value * 1.001 if value else 1e-3) + digits[len(bare) :]
            continue
        bare = digits.rstrip("uUlL")
        value, suffix = int(bare, 0), digits[len(bare) :]
        show = hex if is_hex else str
        # An array that is longer than it need be is no fault.
        if not _is_array_size(source, i):
            yield "plus-one", token.begin, token.end, show(value + 1) + suffix
        yield "minus-one", token.begin, token.end, show(value - 1) + suffix


def _is_array_size(source, i):
    if source.at(i - 1) != "[" or source.at(i + 1) != "]":
        return False
    return source.at(i + 2) in ("=", ";", ",", "{") and (
        source.tokens[i - 3].kind == "name" and source.at(i - 3) not in cpp.KEYWORDS or source.at(i - 3) in ("*", ">")
    )


def _conditions(source, _):
    for i, token in _each(source):
        opening = i + 2 if source.at(i + 1) == "constexpr" else i + 1
        if token.text in ("if", "while") and source.at(opening) == "(":
            closing = source.partner[opening]
            begin, end = source.tokens[opening].end, source.tokens[closing].begin
            body = closing + 2 if source.at(closing + 1) == "{" else closing + 1
            if token.text == "while":
                yield "while-false", begin, end, "false"
            elif source.at(body) in LEAVES:
                yield "guard", begin, end, "false"
            else:
                yield "if-true", begin, end, "true"
                yield "if-false", begin, end, "false"
        elif token.text == "?":
            first = source.extent(i, -1, ASSIGNMENTS | {",", ";", "?", ":", "return", "<<"})
            begin, end = source.tokens[first].begin, source.tokens[i - 1].end
            yield "ternary-true", begin, end, "true"
            yield "ternary-false", begin, end, "false"


def _operands(source, _):
    for i, token in _each(source):
        if token.text not in ("&&", "||") or not source.is_binary(i):
            continue
        stops = ASSIGNMENTS | {",", ";", "?", ":", "return", "||"} | ({"&&"} if token.text == "&&" else set())
        first, last = source.extent(i, -1, stops), source.extent(i, 1, stops)
        left, right = source.tokens[first], source.tokens[last]
        yield "drop-right", source.tokens[i - 1].end, right.end, ""
        if source.at(first - 1) != token.text:  # else the operator before has dropped it as its right one
            yield "drop-left", left.begin, source.tokens[i + 1].begin, ""


def _selects(source, _):
    for i, token in _each(source):
        if token.text not in ("Select", "IfThenElse") or source.at(i + 1) != "(":
            continue
        if source.tokens[i - 1].kind == "name" and source.at(i - 1) not in cpp.KEYWORDS:
            continue  # its declaration
        arguments = source.arguments(i + 1)
        first = i - 2 if source.at(i - 1) == "::" else i
        begin, end = source.tokens[first].begin, source.tokens[source.partner[i + 1]].end
        if len(arguments) == 3:
            yield "select-first", begin, end, source.slice(*arguments[1])
            yield "select-second", begin, end, source.slice(*arguments[2])


def _loops(source, _):
    for i, token in _each(source):
        if token.text != "for" or source.at(i + 1) != "(":
            continue
        start = source.extent(i + 1, 1, {";", ":"})
        if source.at(start + 1) != ";":
            continue
        if "=" in (t.text for t in source.tokens[i + 2 : start]) and source.tokens[start].kind != "number":
            yield "loop-begin", source.tokens[start].end, source.tokens[start].end, " + 1"
        stop = source.extent(start + 1, 1, {";"})
        if any(t.text in ("<", "<=") for t in source.tokens[start + 2 : stop]):
            yield "loop-end", source.tokens[stop].end, source.tokens[stop].end, " - 1"


def _statements(source, _):
    headers = {source.partner.get(i + 1) for i, t in enumerate(source.tokens) if t.text in ("if", "for", "while")}
    enclosing = []
    for i, token in enumerate(source.tokens):
        if token.text in cpp.CLOSING and token.kind == "operator":
            enclosing.append(token.text)
        elif token.text in (")", "]", "}") and token.kind == "operator" and enclosing:
            enclosing.pop()
        starts = source.at(i - 1) in (";", "{", "}", "else") or i - 1 in headers
        if i in source.ignored or token.kind == "string" or not starts or not enclosing or enclosing[-1] not in "{":
            continue
        if token.text in NO_STATEMENT or (token.kind != "name" and token.text not in ("*", "++", "--")):
            continue
        if token.kind == "name" and source.tokens[i + 1].kind == "name":
            continue  # a declaration
        if token.text in ("break", "continue") and i - 1 in headers:
            continue  # the rule "guard" drops it
        last = source.extent(i - 1, 1, {";"})
        statement = source.slice(i, last)
        if source.at(last + 1) != ";" or DECLARATION.match(statement):
            continue
        words = [t.text for t in source.tokens[i : last + 1]]
        if statement in ("break", "continue") or any(w in ASSIGNMENTS or w in ("(", "++", "--") for w in words):
            name = "check" if token.text == "PLAIT_TRY" else "statement"
            yield name, token.begin, source.tokens[last].end, ""
