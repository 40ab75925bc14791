import pytest

from plugins.errors import InvalidRequest
from plugins.llama.gbnf import check_grammar

GOOD = {
    "literal": 'root ::= "yes"',
    "alternatives on lines of their own": 'root ::= "a" |\n  "b" |\n  c\nc ::= "c"',
    "everything that can be repeated": 'root ::= "a"* [b]+ (c | "d")? .{2} c{1,} "e"{0,3}\nc ::= [^x-z\\n]',
    "comments and empty lines": '# first\n\nroot ::= "a" # why\n  # again\n',
    "escapes": 'root ::= "\\"\\\\\\n\\t\\r" [\\]\\[-] "\\x41\\u00e9\\U0001F642"',
    "no space at all": 'root::="a"|"b"',
    "an empty alternative": 'root ::= "a" | ""',
    "recursion after a first character": 'root ::= "(" root ")" | "x"',
    "a dash at the end of a set": "root ::= [a-]",
    "Windows line ends": 'root ::= a\r\na ::= "b"\r\n',
}

BAD = {
    "": "no rule named root",
    'start ::= "a"': "no rule named root",
    'root = "a"': "line 1, column 6: expected ::=",
    'root ::= "a': "closed literal",
    'root ::= "\\q"': "closed literal",
    "root ::= [a": "closed, non-empty set",
    "root ::= []": "closed, non-empty set",
    "root ::= [^]": "closed, non-empty set",
    'root ::= ("a"': "a closing bracket",
    'root ::= "a")': "the end of the rule",
    "root ::= other": "rule other is used and not defined",
    'root ::= ("x" (missing)?)*': "rule missing is used and not defined",
    'root ::= "a"{3,2}': "end lies before its beginning",
    'root ::= "a"{1000000}': "at most 2000 repetitions",
    'root ::= ("a"{100}){100}': "at most 2000 repetitions",
    "root ::= *": "something to repeat",
    'root ::= ""*': "something to repeat",
    'root ::= "a"{0}*': "something to repeat",
    'root ::= root "a"': "rule root begins with itself",
    'root ::= a\na ::= "x"? b\nb ::= a': "begins with itself",
    "root ::= <think>": "references to tokens",
    'root ::= "a"\0': "NUL",
    "root ::= " + "(" * 200 + '"a"' + ")" * 200: "brackets inside each other",
    'root ::= "a"\nroot_two ::= "b"': "line 2, column 5: expected ::=",
}


@pytest.mark.parametrize("grammar", GOOD.values(), ids=GOOD.keys())
def test_a_grammar_is_accepted_with(grammar: str) -> None:
    check_grammar(grammar)


@pytest.mark.parametrize(("grammar", "complaint"), BAD.items(), ids=range(len(BAD)))
def test_a_bad_grammar_is_refused_with_the_reason(grammar: str, complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint.replace("::=", "::=")):
        check_grammar(grammar)


def test_a_chain_of_rules_that_never_gets_to_a_character_is_refused() -> None:
    chain = "\n".join(f"r{i} ::= r{i + 1}" for i in range(500))
    with pytest.raises(InvalidRequest, match="begin with each other"):
        check_grammar(f'root ::= r0\n{chain}\nr500 ::= "x"')


def test_rules_that_double_at_every_level_are_refused() -> None:
    doubling = "\n".join(f"r{i} ::= r{i + 1} | r{i + 1}" for i in range(40))
    with pytest.raises(InvalidRequest, match="branch too often"):
        check_grammar(f'root ::= r0\n{doubling}\nr40 ::= "x"')


def test_a_complaint_never_quotes_the_grammar() -> None:
    with pytest.raises(InvalidRequest) as raised:
        check_grammar('root ::= "the secret" oops!')
    assert "secret" not in str(raised.value)
