"""Markup of messages: links, code, bold and italics, and nothing else."""

import json
from operator import itemgetter

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests import hostile
from tests.servers.processes import ROOT
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINK = '<a href="{0}" target="_blank" rel="noopener noreferrer nofollow ugc">{0}</a>'

UPRIGHT = '<em class="upright">{}</em>'

# What is written, and what becomes of it; where there is nothing else, it stays as it is.
SHOWN = [
    ("a **b** c *d* _e_ ***f***", "a <strong>b</strong> c <em>d</em> <em>e</em> <em><strong>f</strong></em>"),
    (
        "你好**世界**。再*见*，_好_！",
        f"你好<strong>世界</strong>。再{UPRIGHT.format('见')}，{UPRIGHT.format('好')}！",
    ),
    ("**“你好”**说", "<strong>“你好”</strong>说"),
    ("**g *h* i** **j**ly", "<strong>g <em>h</em> i</strong> <strong>j</strong>ly"),
    ("***a** b* ***a* b**", "<em><strong>a</strong> b</em> <strong><em>a</em> b</strong>"),
    ("snake_case_name 2*3*4 2**3**4 a * b * c f(**a, **b) *", None),
    ("¯\\_(ツ)_/¯ ****a**** __init__", None),
    ("* one\n* two **three\nfour**", None),
    ("`a*b*` ``x ` y`` `` ` `` `", "<code>a*b*</code> <code>x ` y</code> <code>`</code> `"),
    ("```py\nif a:\n    b\n```", '<pre data-language="py"><code>if a:\n    b</code></pre>'),
    ("a\n```b c\nd```\n\ne", "a<pre><code>b c\nd</code></pre>\ne"),
    ("```\nnever ended", None),
    ("看https://a.b/c这个。", "看" + LINK.format("https://a.b/c") + "这个。"),
    ("(http://a.b/c_(d)_e).", "(" + LINK.format("http://a.b/c_(d)_e") + ")."),
    ("**https://a.b/?q=1**", "<strong>" + LINK.format("https://a.b/?q=1") + "</strong>"),
    ("javascript:alert(1) data:text/html,x http:// ftp://a.b xhttp://a.b [a](b)", None),
    ("f(*args, **kwargs): return g(*args)", None),
    ("f(*a,*b)", None),
    ("f(*a, g(x)*b)", None),
    ("x*(y+z)*w", None),
    ("f(*, a): g(*) {**a, **g(**b)}", None),
    (
        "(*a*) *(b)*, **注:**好 **c:**d",
        "(<em>a</em>) <em>(b)</em>, <strong>注:</strong>好 <strong>c:</strong>d",
    ),
    ('```python title="x"\na\n```', '<pre data-language="python"><code>a</code></pre>'),
    ("a\r\nb\rc", "a\nb\nc"),
    ("https://a.b/\u202etxt", LINK.format("https://a.b/") + "\u202etxt"),
]

NAMES = ["Ada", "Ada Lovelace", "王小明", "a_b*", "Zoë"]

MENTIONED = [
    ("hi @ada!", "hi <m>@ada</m>!"),
    ("@Ada Lovelace and @ADA love", "<m>@Ada Lovelace</m> and <m>@ADA</m> love"),
    ("你好@王小明你好", "你好<m>@王小明</m>你好"),
    ("**@a_b*** *@Zoë*", "<strong><m>@a_b*</m></strong> <em><m>@Zoë</m></em>"),
    ("@Adam me@Ada.org @Bob @ Ada @@", None),
    ("`@Ada` https://a.b/@Ada", "<code>@Ada</code> " + LINK.format("https://a.b/@Ada")),
    ("```\n@Ada\n```", "<pre><code>@Ada</code></pre>"),
]

# Examples for the server as well: see tests/chat/test_mentions.py.
TEXTS = json.loads((ROOT / "tests/texts.json").read_text())
SPANS = """([text, names]) => {
    const spans = (parts) => parts.flatMap((part) => {
        if (part.children) return spans(part.children);
        return typeof part === "string" ? [] : [[part.kind, part.text]];
    });
    return spans(parse(text, names));
}"""

# As many as a message may name.
MANY_NAMES = [f"{'x' * 30}{number:02}" for number in range(20)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shown(lobby, chromium):
    """Open a page that renders texts as rooms do, with a counter of the parser's steps."""
    page = await chromium.new_page()
    page.profiler = await page.context.new_cdp_session(page)
    await page.profiler.send("Profiler.enable")
    await page.profiler.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": True})
    await page.goto(f"{lobby.url}/chat/")
    await page.evaluate("""async () => {
        const { renderMarkup, parse } = await import('/static/chat/js/text/markup.js');
        window.parse = parse;
        window.show = (text, names) => {
            document.body.replaceChildren(renderMarkup(text, names));
            return document.body;
        };
    }""")
    yield page
    await page.close()


@pytest.mark.parametrize(("text", "html"), SHOWN)
async def test_marks_and_what_is_none(shown, text, html):
    drawn = await shown.evaluate("text => show(text).innerHTML.replaceAll('&amp;', '&')", text)
    assert drawn == (html or text)


@pytest.mark.parametrize("example", TEXTS["texts"], ids=itemgetter("text"))
async def test_page_reads_text_as_server_does(shown, example):
    assert await shown.evaluate(SPANS, [example["text"], TEXTS["people"]]) == example["spans"]


@pytest.mark.parametrize(("text", "html"), MENTIONED)
async def test_those_are_marked_whom_the_message_names(shown, text, html):
    drawn = await shown.evaluate("([text, names]) => show(text, names).innerHTML", [text, NAMES])
    drawn = drawn.replace('<span class="mention">', "<m>").replace("</span>", "</m>")
    assert drawn == (html or text)


async def steps(shown, text):
    """Return the number of the parser's steps for a text: how often its blocks of code run."""
    await shown.profiler.send("Profiler.takePreciseCoverage")  # which resets the counts
    await shown.evaluate("([text, names]) => void parse(text, names)", [text, MANY_NAMES])
    scripts = (await shown.profiler.send("Profiler.takePreciseCoverage"))["result"]
    functions = [each for script in scripts if "/chat/js/" in script["url"] for each in script["functions"]]
    return sum(block["count"] for each in functions for block in each["ranges"])


@pytest.mark.parametrize("grown", hostile.GROWING.values(), ids=hostile.GROWING.keys())
async def test_ten_times_the_text_takes_ten_times_the_steps(shown, grown):
    few = await steps(shown, grown(4000))
    assert 0 < await steps(shown, grown(40_000)) < 20 * few  # a square would be a hundred times as many


async def test_few_nodes_show_a_text(shown):
    for name, grown in hostile.GROWING.items():
        count = await shown.evaluate(
            """([text, names]) => {
                const nodes = document.createNodeIterator(show(text, names));
                let count = 0;
                while (nodes.nextNode()) count += 1;
                return count;
            }""",
            [grown(4000), MANY_NAMES],
        )
        assert count <= 1 + 200 * 4, name  # the body; 200 blocks: two elements, their text, text after them


async def test_no_text_is_deep_and_all_of_it_is_shown(shown):
    for name, grown in hostile.GROWING.items():
        depth, drawn = await shown.evaluate(
            """([text, names]) => {
                const deep = (node) => 1 + Math.max(0, ...[...node.children].map(deep));
                show(text, names);
                return [deep(document.body), document.body.textContent];
            }""",
            [grown(4000), MANY_NAMES],
        )
        assert depth < 40, name
        assert set(drawn) <= set(grown(4000)), name


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://a.example/b", None),
        ("HTTPS://A.EXAMPLE:8000/b@c", None),
        ("https://bank.example@evil.example/", "evil.example"),
        ("https://bank.example:x@evil.example", "evil.example"),
        ("https://evil.example\\.bank.example/", "evil.example"),
        ("https://аррӏе.example/", "xn--80ak6aa92e.example"),
        ("https://%65vil.example/", "evil.example"),
        ("http://0x7f.1/", "127.0.0.1"),
    ],
)
async def test_where_a_link_leads_is_seen(shown, address, host):
    assert await shown.evaluate("text => show(text).querySelector('a').dataset.host ?? null", address) == host


async def test_marks_are_drawn_alike_pending_live_and_from_history(lobby, open_tab):
    tab, other = await open_tab(lobby.url, "marks"), await open_tab(lobby.url, "marks")
    written = ["**你好** `code` https://a.b/c", "javascript:x <script>document.title='owned'</script> *hi*"]
    async with tabs("marks", lobby) as (reader,):
        await tab.say(written[0])
        await reader.until_texts(written[0])
        await tab.page.route_web_socket("**/ws/chat/**", lambda socket: None)
        await tab.page.reload()  # and new messages stay pending
        await tab.say(written[1])
        await other.say(written[1])
        await reader.until_texts(*written)
    await expect(tab.pending).to_have_count(1)
    drawn = [await each.page.locator(".message__text").evaluate_all(HTML) for each in (tab, other)]
    assert drawn[0] == drawn[1]
    assert "<em>hi</em>" in drawn[0][1]
    await other.until_transcript(*written)
    assert "owned" not in await tab.page.title()


async def test_only_code_that_scrolls_is_reached_by_the_keyboard(lobby, open_tab):
    tab = await open_tab(lobby.url, "short and wide", viewport={"width": 360, "height": 640})
    await tab.page.keyboard.insert_text("```\nshort\n```\n```\n" + "x" * 300 + "\n```")
    await tab.page.keyboard.press("Enter")
    await expect(tab.pending).to_have_count(0)
    short, wide = tab.page.locator("pre").first, tab.page.locator("pre").last
    await expect(wide).to_have_attribute("tabindex", "0")
    await expect(short).not_to_have_attribute("tabindex", "0")
    await wide.focus()
    await tab.page.keyboard.press("Escape")
    await expect(tab.page.locator("#chat-message-input")).to_be_focused()


async def test_a_long_line_of_code_scrolls_by_itself(lobby, open_tab):
    tab = await open_tab(lobby.url, "wide", viewport={"width": 360, "height": 640})
    await tab.say("```\n" + "x" * 300 + "\n```")
    await expect(tab.page.locator("pre")).to_be_visible()
    await expect(tab.pending).to_have_count(0)  # or it is rendered again during the check
    width = "document.documentElement.scrollWidth"
    assert await tab.page.evaluate(width) == 360
    assert await tab.page.locator("#timeline").evaluate("each => each.scrollWidth - each.clientWidth") == 0
    assert await tab.page.locator("pre").evaluate("each => each.scrollWidth > each.clientWidth")


HTML = "all => all.map((each) => each.innerHTML)"
