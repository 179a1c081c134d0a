"""Floating numbers are written and read in one place: numbers.py ROOT

printf and strtod follow the host's locale. In src/ and shim/ only base/number_text.c may
convert with %e, %f, %g or %a, or read with strtod and its kin. The exporters' templates
have a %f of their own, which stands in no call of printf."""
import re
import sys

import lintlib

MAY = {"src/base/number_text.c"}
TEMPLATES = ("src/torchscript/export/", "src/coreml/write/")
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
CONVERSION = re.compile(r"%%|%[-+ #0']*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?[lL]?[aefgAEFG](?![a-z])")
READING = re.compile(r"\b(strtod|strtof|strtold|atof|sscanf|fscanf|scanf|localeconv)\b")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STATEMENT = re.compile(r"[;{}]")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def findings(path, text):
    text = COMMENT.sub(blank, text)
    bare = STRING.sub(blank, text)  # as long as the text
    for string in STRING.finditer(text):
        starts = [match.end() for match in STATEMENT.finditer(bare, 0, string.start())]
        statement = bare[starts[-1] if starts else 0:string.start()]
        own = path.startswith(TEMPLATES) and "printf" not in statement
        for match in CONVERSION.finditer(string[0]):
            if match[0] != "%%" and not (own and match[0] == "%f"):
                yield text.count("\n", 0, string.start()) + 1, match[0]
    for match in READING.finditer(bare):
        yield text.count("\n", 0, match.start()) + 1, match[0]


def main(root):
    found = []
    for path in lintlib.files(root, ["src", "shim"]):
        if path in MAY:
            continue
        text = "\n".join(lintlib.lines(root, path)) + "\n"
        if "%" in text or READING.search(text):
            found += [f"{path}:{line}: '{what}' follows the locale"
                      for line, what in findings(path, text)]
    lintlib.report(found)


main(sys.argv[1])
