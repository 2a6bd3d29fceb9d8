"""A little source code in every language that has a grammar, with letters of several bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Code, the definitions in it, and signatures that must stand in front of what is cut off from them."""

    text: str
    definitions: tuple[str, ...]
    signatures: tuple[str, ...] = ()


def braces(opening: str, member: str, count: int = 3) -> tuple[str, tuple[str, ...]]:
    """Return a body of numbered members in braces after its opening, and the members."""
    members = tuple(member.replace("#", str(number)) for number in range(count))
    return opening + " {\n" + "".join(f"    {one}\n\n" for one in members) + "}\n", members


def source(before: str, opening: str, member: str, after: str = "") -> Source:
    """Return code with a definition of several members between other definitions."""
    body, members = braces(opening, member)
    return Source(f"{before}\n\n{body}\n{after}", (*members, after.strip()), (opening,))


METHOD = 'int größe#(int a) { return a + compute(#, "été"); }'
SOURCES = {
    "bash": Source(
        "echo été\n\nfirst() {\n  echo one\n}\n\n# About second.\nfunction second {\n  echo two\n}\n",
        ("first() {\n  echo one\n}", "function second {\n  echo two\n}"),
    ),
    "c": Source(
        "#include <été.h>\n\nint first(int a) {\n  return a;\n}\n\nstruct pair { int a; int b; };\n",
        ("int first(int a) {\n  return a;\n}", "struct pair { int a; int b; };"),
    ),
    "cpp": source("// été", "namespace n", METHOD, "template <class T> T last(T a) { return a; }"),
    "go": Source(
        "package été\n\ntype Pair struct {\n\tA int\n\tB int\n}\n\nfunc (p Pair) Sum() int {\n\treturn p.A + p.B\n}\n",
        ("type Pair struct {\n\tA int\n\tB int\n}", "func (p Pair) Sum() int {\n\treturn p.A + p.B\n}"),
    ),
    "java": source("package été;", "public class Étendue", METHOD, "interface Last { void f(); }"),
    "javascript": source(
        "const été = 1;", "export default class A extends B", "größe#(a) { return compute(#, a, 'é'); }",
        "const last = (a) => { return a; };",
    ),
    "php": source(
        "<?php\n$été = 1;", "class A", "public function f#($a) { return compute(#, $a, 'é'); }",
        "function last($a) { return $a; }",
    ),
    "python": Source(
        "été = 1\n\n\nclass A(B):\n"
        + "".join(f"    def f{n}(self):\n        return g('é', {n})\n\n" for n in range(3)),
        tuple(f"    def f{n}(self):\n        return g('é', {n})" for n in range(3)),
        ("class A(B):\n",),
    ),
    "ruby": Source(
        "ÉTÉ = 1\n\nmodule M\n" + "".join(f"  def f{n}\n    g('é', {n})\n  end\n\n" for n in range(4)) + "end\n",
        tuple(f"  def f{n}\n    g('é', {n})\n  end" for n in range(4)),
        ("module M\n",),
    ),
    "rust": source(
        "#[derive(Été)]\nstruct S { a: i32 }", "impl S", "fn f#(&self) -> i32 { compute(#, \"é\") }",
        "fn last() -> i32 { 1 }",
    ),
    "tsx": source(
        "const été = 1;", "class A", "f#() { return <div id=\"é\">{g(#)}</div>; }", "const last = () => <b/>;"
    ),
    "typescript": source(
        "const été = 1;", "export namespace N", "export function f#(a: number): number { return g(#, a, 'é'); }",
        "interface Last { a: string }",
    ),
}  # fmt: skip
