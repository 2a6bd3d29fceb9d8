"""The visible text of HTML: what is kept, what separates it, and where its blocks are."""

from __future__ import annotations

import pytest

from configs.errors import TooLargeError
from ingest.document import BlockKind
from ingest.html_text import HtmlText

Found = tuple[BlockKind, int, str, str]


def text_of(source: str) -> str:
    return HtmlText(source, is_xml=False).text


def found(source: str) -> list[Found]:
    """Return each block as kind, level, label and text."""
    html = HtmlText(source, is_xml=False)
    return [(b.kind, b.level, b.label, html.text[b.span.start : b.span.end]) for b in html.blocks]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one<p>two", "one\n\ntwo"),
        ("<div>one</div>two<div>three</div>", "one\ntwo\nthree"),
        ("<div><div><p>one</p></div></div><div>two</div>", "one\n\ntwo"),
        ("<ul><li>a<li>b</ul><ol><li>c</ol>", "a\nb\n\nc"),
        ("<dl><dt>t<dd>d</dl>", "t\nd"),
        ("a<br>b<br/>c<br><br>d<br><br><br>e", "a\nb\nc\n\nd\n\ne"),
        ("a<hr>b", "a\n\nb"),
        ("<p>a<div>b</div>c", "a\n\nb\nc"),
        ("<ul><li><p>a<li>b<li>c</ul>", "a\n\nb\nc"),
        ("<p>a<b>b<p>c</b>d", "ab\n\ncd"),
        ("  a \n\t b  ", "a b"),
        ("a <b> b </b> c", "a b c"),
        ("a<b>b</b>c", "abc"),
        ("<b>a </b><i> b</i>", "a b"),
        ("<p> a </p> \n <p> b </p>", "a\n\nb"),
        ("a&nbsp; b", "a\u00a0 b"),
        ("&lt;p&gt; &amp;amp; &eacute;", "<p> &amp; é"),
        ("a<!-- b -->c<!DOCTYPE x>d", "acd"),
        ("<section>a</section><nav>b</nav><blockquote>c</blockquote>", "a\n\nb\n\nc"),
        ("<textarea>a <b></textarea>", "a <b>"),
        ("a</p>b</div>c", "abc"),
        ("<select><option>x<option>y</select>", "x\ny"),
        ("<button>Go</button> <label>L</label>", "Go L"),
    ],
)
def test_text_flows_as_a_reader_sees_it(source: str, text: str) -> None:
    assert text_of(source) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>x < 1 </p></script>",
        "<style>p { display: none }</style>",
        "<template><p>x<b>y</b></p></template>",
        "<noscript><img src=x>x</noscript>",
        "<iframe src='http://host'>x</iframe>",
        "<span hidden>x<b>y</b></span>",
        "<span hidden=until-found>x</span>",
        "<span style='color:red;display:none'>x</span>",
        "<span STYLE='Display : NONE !important'>x</span>",
        "<b hidden><span>x</span>y<b>z</b></b>",
        "<template><script>x</script><template>y</template>z</template>",
        "<img src=x alt=y hidden>",
        "<!-- <b>x</b> -->",
    ],
)
def test_what_is_hidden_leaves_no_trace(hidden: str) -> None:
    assert text_of(f"a{hidden}b") == "ab"
    assert text_of(f"<p>a {hidden} b</p>") == "a b"


@pytest.mark.parametrize("style", ["display:nonesuch", "x-display:none", "display:block", "visibility:hidden"])
def test_other_styles_hide_nothing(style: str) -> None:
    assert text_of(f"a<span style='{style}'>x</span>b") == "axb"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<div>a<p hidden>x<p>b</div>c", "a\n\nb\n\nc"),
        ("<div>a<p hidden>x<b>y<div>b</div></div>c", "a\n\nb\nc"),
        ("<div>a<p hidden>x</div>b", "a\n\nb"),
        ("a<p hidden>x<hr>b", "a\n\nb"),
        ("<ul><li hidden>x<i>y<li>a</ul>", "a"),
        ("<ul><li hidden>x<ul><li>y<li>z</ul><li>a</ul>", "a"),
        ("<dl><dt hidden>x<dd>a</dl>", "a"),
        ("<table><tr hidden><td>x<tr><td>a<td hidden>y<td>b</table>", "a | b"),
        ("<table><tr><td>a</td><td hidden>x</td><td>b</td></tr><tr hidden></tr><tr><td>c</table>", "a | b\nc"),
        ("<select><option hidden>x<option>a</select>", "a"),
        ("<div hidden>x<div>y</div>z</div>a", "a"),
        ("<div hidden><p>x<p>y</div>a", "a"),
        ("<h1 hidden>x</h1>a", "a"),
        ("<body hidden>x", ""),
    ],
)
def test_hidden_elements_end_where_html_ends_them(source: str, text: str) -> None:
    assert text_of(source) == text


@pytest.mark.parametrize(
    ("source", "blocks", "text"),
    [
        ("<h1>A</h1>b<h6>C</h6>", [("heading", 1, "A", "A"), ("heading", 6, "C", "C")], "A\n\nb\n\nC"),
        ("<h2> <a href=x>A</a>\n <code>b</code> </h2>c", [("heading", 2, "A b", "A b")], "A b\n\nc"),
        ("<h1>A<br>B<div>C</div></h1>d", [("heading", 1, "A B C", "A B C")], "A B C\n\nd"),
        ("<h1>A</h2>b", [("heading", 1, "A", "A")], "A\n\nb"),
        ("<h1>A<h2>B</h2>c", [("heading", 1, "A", "A"), ("heading", 2, "B", "B")], "A\n\nB\n\nc"),
        ("<h1>A<p>b</h1>c", [("heading", 1, "A", "A")], "A\n\nbc"),
        ("<h1><p>A</p></h1>b", [("heading", 1, "A", "A")], "A\n\nb"),
        ("<section><h1>A</section>b", [("heading", 1, "A", "A")], "A\n\nb"),
        ("<h1>A<pre>b</pre>", [("heading", 1, "A", "A"), ("code", 0, "", "b")], "A\n\nb"),
        ("<h1> <img alt=x> </h1>b", [], "b"),
        ("<h1>A&nbsp;&amp;  B</h1>", [("heading", 1, "A & B", "A\u00a0& B")], "A\u00a0& B"),
        ("a<h3>b", [("heading", 3, "b", "b")], "a\n\nb"),
    ],
)
def test_headings(source: str, blocks: list[Found], text: str) -> None:
    assert found(source) == blocks
    assert text_of(source) == text


@pytest.mark.parametrize(
    ("source", "label", "code"),
    [
        ("a<pre>x\n  y\t z\n</pre>b", "", "x\n  y\t z"),
        ("a<pre>\n\n  x\n\n\ny </pre>b", "", "  x\n\n\ny"),
        ("a<pre><code class='hljs language-python3'>x</code></pre>b", "python3", "x"),
        ("a<pre class=lang-c++>x</pre>b", "c++", "x"),
        ("a<pre class='line-numbers'><code>x</code></pre>b", "", "x"),
        ("a<pre>x <span>&lt;b&gt;</span>\n</pre>b", "", "x <b>"),
        ("a<pre>x<br>y<br><br>z</pre>b", "", "x\ny\n\nz"),
        ("a<pre><div>x</div><div> y</div></pre>b", "", "x\n y"),
        ("a<pre>x<script>no</script>\ny</pre>b", "", "x\ny"),
        ("a<pre><h1>x</h1><table><tr><td>y</table></pre>b", "", "x\n\ny"),
    ],
)
def test_preformatted_text_is_code_and_keeps_its_white_space(source: str, label: str, code: str) -> None:
    assert found(source) == [("code", 0, label, code)]
    assert text_of(source) == f"a\n\n{code}\n\nb"


@pytest.mark.parametrize("source", ["a<pre></pre>b", "a<pre> \n </pre>b", "<p>a</p><pre>\n<b></b></pre>b"])
def test_blank_code_is_no_block(source: str) -> None:
    assert found(source) == []
    assert text_of(source) == "a\n\nb"


def test_inline_code_is_text() -> None:
    assert found("<p>call <code class=language-py>f()</code> now") == []


@pytest.mark.parametrize(
    ("source", "table"),
    [
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
        ("<table><thead><tr><th>A<th>B<tbody><tr><td>1<td>2<tfoot><tr><td>3<td>4</table>", "A | B\n1 | 2\n3 | 4"),
        ("<table>\n <tr>\n  <td> a </td>\n  <td>\n b </td>\n </tr>\n</table>", "a | b"),
        ("<table><tr><td><p>a</p><p>b</p><td>c<br>d<ul><li>e</ul></table>", "a b | c d e"),
        ("<table><tr><td>a<td><td>c<td></table>", "a |  | c | "),
        ("<table><tr><td>x<tr><td></td><td></td><tr><td>y</table>", "x\ny"),
        ("<table><tr><td>x<tr><td><td>b</table>", "x\n | b"),
        ("<table><caption>Cap</caption><tr><td>a<td>b</table>", "Cap\na | b"),
        ("<table><td>a<td>b<tr><td>c</table>", "a | b\nc"),
        ("<table><tr><td>a</div></p><td>b</table>", "a | b"),
        ("<table><tr><td>a <td colspan=2> b</table>", "a | b"),
        ("<table><tr><td rowspan=2>a<td>1</tr><tr><td>2</tr></table>", "a | 1\n | 2"),
        ("<table><tr><td rowspan=3>a<td>1<tr><td>2<tr><td>3<tr><td>b<td>4</table>", "a | 1\n | 2\n | 3\nb | 4"),
        ("<table><tr><td>a<td rowspan=2>b<td>c<tr><td>1<td>2</table>", "a | b | c\n1 |  | 2"),
        ("<table><tr><td>a<td rowspan=2>b<tr><td>1<tr><td>2<td>3</table>", "a | b\n1 | \n2 | 3"),
        ("<table><tr><td rowspan=2>a<td rowspan=2>b<td>c<tr><td>1</table>", "a | b | c\n |  | 1"),
        ("<table><tr><td colspan=2>a<td rowspan=2>b<tr><td>1<td>2</table>", "a | b\n1 | 2 | "),
        ("<table><tr><td rowspan=3>a<td>1<tr></tr><tr><td>2<tr><td>b<td>3</table>", "a | 1\n | 2\nb | 3"),
        ("<table><tbody><tr><td rowspan=0>a<td>1<tr><td>2<tbody><tr><td>b<td>3</table>", "a | 1\n | 2\nb | 3"),
        ("<table><td rowspan=9>a<td>1<tr><td>2</table>", "a | 1\n | 2"),
        ("<table><tr><td>a | b<td>c</table>", "a | b | c"),
    ],
)
def test_a_table_is_a_line_for_each_row(source: str, table: str) -> None:
    assert found(f"<div><form>x{source}y</form></div>") == [("table", 0, "", table)]
    assert text_of(f"<div>x{source}y</div>") == f"x\n\n{table}\n\ny"


def test_a_stray_end_tag_does_not_close_the_table_around_it() -> None:
    assert found("<form><div><table></form><tr><td>a</div><td>b</table>") == [("table", 0, "", "a | b")]


@pytest.mark.parametrize(
    ("source", "blocks", "text"),
    [
        (
            "<table><tr><td>menu<td><h1>Title</h1><p>text</table>",
            [("heading", 1, "Title", "Title")],
            "menu\n\nTitle\n\ntext",
        ),
        (
            "<table><tr><td>a<td><table><tr><td>1<td>2</table>b<td>c</table>d",
            [("table", 0, "", "1 | 2")],
            "a\n\n1 | 2\n\nb\nc\n\nd",
        ),
        ("<table><tr><td>1<td><pre>x\ny</pre></table>", [("code", 0, "", "x\ny")], "1\n\nx\ny"),
        ("<table><tr><td><table><tr><td>x</table><tr><td><p>p<p>q</table>", [("table", 0, "", "x")], "x\n\np\n\nq"),
    ],
)
def test_a_table_that_arranges_a_page_is_read_as_blocks(source: str, blocks: list[Found], text: str) -> None:
    assert found(source) == blocks
    assert text_of(source) == text


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("<title> A \n &amp; B </title>x", "A & B"),
        ("<title></title><title>B</title>x", "B"),
        ("<title>A</title><svg><title>B</title></svg>x", "A"),
        ("<template><title>no</title></template>x", ""),
        ("<h1>not here</h1>", ""),
    ],
)
def test_the_title_element_is_no_text(source: str, title: str) -> None:
    html = HtmlText(source, is_xml=False)
    assert html.title == title
    assert "A" not in html.text.split()


def test_empty_xml_elements_end_where_they_begin() -> None:
    html = HtmlText("<title/><div hidden=''/>a<pre/><b/>b<script/><h1/>c<p hidden='x'/>d", is_xml=True)
    assert (html.text, html.blocks) == ("a\n\nb\n\nc\n\nd", [])


def test_cells_that_would_cover_a_page_of_blanks_are_refused() -> None:
    row = "<tr>" + "<td rowspan=9999>a" * 600
    assert text_of(f"<table>{row}<tr><td>b</table>").endswith(" | b")
    with pytest.raises(TooLargeError) as caught:
        text_of(f"<table>{row}{'<tr><td>b' * 2_000}</table>")
    assert caught.value.code == "too_many_covered_cells"
    with pytest.raises(TooLargeError):
        text_of(f"<table>{row}{'<tr><td>b' * 100}</table>" * 20)
