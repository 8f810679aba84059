"""Hostile texts, which must be shown as plain text in every field."""

MARKS = "\u0300\u0323\u0334\u0489\u20dd\u0f71\u1ab0"

SCRIPTS = {
    "a script": "<script>document.title = 'owned'; alert(1)</script>",
    "an end of a script": "</script><script>alert(1)</script>",
    "an end of a title": "</title><script>alert(1)</script>",
    "an end of a text area": "</textarea><img src=x onerror=alert(1)>",
    "an event": '"><img src=x onerror="alert(1)">',
    "an attribute": "x\" onmouseover=\"alert(1)\" autofocus onfocus='alert(1)' x='",
    "a picture that is code": "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "a style": "<style>body { display: none }</style><link rel=stylesheet href=//evil.example>",
    "a frame": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "a form": "<form action=https://evil.example><button id=composer>Send</button>",
    "a base": "<base href=https://evil.example/><meta http-equiv=refresh content=0>",
    "a comment": "<!-- ]]> <![CDATA[ -->",
    "a template": "{{ user.password }} {% debug %} ${alert(1)} #{1} %s %(name)s {0}",
    "references": "&lt;script&gt; &amp;amp; &#x202e; &nbsp",
    "links that are code": "javascript:alert(1) JaVaScRiPt:alert(1) data:text/html,<b>x</b> vbscript:x",
    "links that are code in Markdown": "[x](javascript:alert(1)) <javascript:x> ![x](data:image/svg+xml,y)",
}

TURNING = {
    "an override": "\u202eevil si siht",
    "an embedding": "\u202btext \u202atext",
    "isolates": "\u2067text \u2068text \u2066text",
    "ends of isolates": "\u2069\u202c" * 20 + "text",
    "an override before a link": "\u202ehttps://evil.example/",
    "an override in code": "`\u202e` and on",
    "Hebrew": "שלום (3) - 12:03, abc",
    "Arabic": "مرحبا 123 (٤٥) www.example.org",
}

UNSEEN = {
    "zero-width": "a\u200bd\u200cm\u200di\u2060n\ufeff",
    "a soft hyphen": "a\u00addmin",
    "tags": "hello\U000e0041\U000e0042",
    "selectors": "x" + "\ufe0f" * 100,
    "other ends of lines": "one\vtwo\fthree\u0085four\u2028five\u2029six\rseven",
    "controls": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x08\x08\x08 \x7f \x9b2J",
    "a forged record": "x\n2026-01-01 00:00:00,000 ERROR django: owned\r\nERROR: owned",
    "unassigned and private": "\U0003fffd\ue000\U0010fffd\ufffe\uffff\ufdd0",
}

LARGE = {
    "a heap of marks": "Z" + (MARKS * 572)[:3999],
    "marks and nothing else": "\u0301" * 4000,
    "a mark on each letter": ("Zalgo" * 200)[:571].replace("", MARKS)[:4000],
    "marks under an emoji": "😀" + "\u0323" * 126,
    "marks that are not in order": "a" + "\u0315\u0323" * 1999,
    "an unbroken word": "w" * 4000,
    "an unbroken word in Chinese": "界" * 4000,
    "no-break spaces": "a\u00a0" * 2000,
    "a wide sign": "﷽" * 400 + "𒐫" * 100,
    "a tall sign": "ༀ྄྄ཱྀ" * 100,
    "line breaks": "a" + "\n" * 3998 + "b",
    "many lines": "line\n" * 799,
    "an unbroken word of code": "```\n" + "x" * 3900 + "\n```",
    "many lines of code": "```\n" + "x\n" * 1990 + "```",
    "an unbroken link": "https://evil.example/" + "x" * 3979,
    "links": "http://a.b " * 363,
    "mentions": "@Ada " * 800,
    "emoji": "👩‍👩‍👧‍👦" * 363,
    "one emoji that never ends": "👩" + "‍👩" * 1999,
}

# Markdown at its worst: each gives a text of that many characters.
GROWING = {
    "asterisks": lambda size: "*" * size,
    "underscores": lambda size: "_" * size,
    "spaced asterisks": lambda size: "*a " * (size // 3),
    "closing asterisks": lambda size: "a* " * (size // 3),
    "opened and never closed": lambda size: "*a **b " * (size // 7),
    "alternating": lambda size: "*_" * (size // 2),
    "alternating words": lambda size: "*a _b " * (size // 6),
    "pairs": lambda size: "*a* " * (size // 4),
    "nested": lambda size: "*a " * (size // 6) + "a* " * (size // 6),
    "nested twice": lambda size: "***a " * (size // 10) + "a*** " * (size // 10),
    "nested by different signs": lambda size: "**_a " * (size // 10) + "a_** " * (size // 10),
    "nested in Chinese": lambda size: "**你*" * (size // 4),
    "opened by two, closed by one": lambda size: "**a " * (size // 8) + "a* " * (size // 6),
    "opened by one, closed by another": lambda size: "*a " * (size // 6) + "a_ " * (size // 6),
    "closed by too many": lambda size: "*a" * (size // 4) + "***" * (size // 6),
    "backticks": lambda size: "`" * size,
    "spaced backticks": lambda size: "` " * (size // 2),
    "runs of backticks": lambda size: " ".join("`" * length for length in range(1, int((2 * size) ** 0.5))),
    "falling runs of backticks": lambda size: " ".join(
        "`" * length for length in range(int((2 * size) ** 0.5), 1, -1)
    ),
    "code": lambda size: "` " + "x" * (size - 2),
    "pairs of backticks": lambda size: "`a` " * (size // 4),
    "brackets": lambda size: "[" * (size // 2) + "(" * (size // 2),
    "nested brackets": lambda size: "[" * (size // 2) + "](x)" * (size // 8),
    "quotes": lambda size: ">" * size,
    "quoted lines": lambda size: "> > >\n" * (size // 6),
    "tags": lambda size: "<b>" * (size // 3),
    "closing brackets": lambda size: "http://a.b/" + ")" * (size - 11),
    "ends of a sentence": lambda size: "http://a.b/" + ".,;*" * (size // 4),
    "addresses": lambda size: "http://a@b " * (size // 11),
    "schemes": lambda size: "http://" * (size // 7),
    "schemes and brackets": lambda size: "http://)" * (size // 8),
    "broken addresses": lambda size: "https://[ " * (size // 10),
    "users of addresses": lambda size: "https://" + "a@" * (size // 2),
    "fences": lambda size: "```\n" * (size // 4),
    "blocks": lambda size: "```a\n" * (size // 5),
    "blocks with words": lambda size: "```\na\n```\n" * (size // 10),
    "fences with words": lambda size: "```a b\nx\n" * (size // 9),
    "ends of fences": lambda size: "x```\n" * (size // 5),
    "spaces before a fence": lambda size: "```\n" + " " * (size - 8) + "x```",
    "longer and longer fences": lambda size: "\n".join(
        "`" * length + "a" for length in range(3, int((2 * size) ** 0.5))
    ),
    "fences of both kinds": lambda size: "```a\n~~~a\n" * (size // 10),
    "words after a fence": lambda size: "```" + "a" * (size - 8) + "=\n```",
    "attributes after a fence": lambda size: "```a" + ' a="b"' * (size // 6) + "=\n```",
    "parts of Chinese addresses": lambda size: "https://" + "例/" * (size // 2),
    "a Chinese address": lambda size: "https://例" + "a例" * (size // 2),
    "punctuation of addresses": lambda size: "https://a.b/" + "·" * size,
    "lines": lambda size: "\n" * size,
    "lines with words": lambda size: "a\n" * (size // 2),
    "signs of mentions": lambda size: "@" * size,
    "mentions": lambda size: "@Ada" * (size // 4),
    "beginnings of names": lambda size: f"@{'x' * 31}" * (size // 32),
    "colons": lambda size: ":a" * (size // 2),
    "marks on a letter": lambda size: "a" + "\u0315\u0323" * (size // 2),
}

# What a message may be.
MESSAGES = SCRIPTS | TURNING | UNSEEN | LARGE

# No message: nothing of it can be seen.
NO_MESSAGES = {
    "zero-width": "\u200b\u2060\ufeff",
    "fillers": "\u3164\u115f\uffa0\u2800",
    "annotations and objects": "\ufff9\ufffa\ufffb\ufffc",
    "turning": "\u202e\u2066 \u2069",
    "tags": "\U000e0041",
    "NUL": "\0",
}

# What nobody and nothing can be called.
NO_NAMES = {
    **TURNING,
    **UNSEEN,
    "marks and nothing else": "\u0301",
    "a heap of marks": "Z" + MARKS,
    "blank": " \u3000\u00a0",
    "NUL": "a\0b",
    "half a million marks": "a" + "\u0315\u0323" * 250_000,
    "half a million letters": "w" * 500_000,
}
for language in ("Hebrew", "Arabic"):  # which are names like others
    del NO_NAMES[language]

# Allowed display names, which must be shown as plain text.
NAMES = {
    "a tag": "<b>Ada</b>",
    "an attribute": '"><img src=x onerror=alert()>',
    "a sentence of the page": "Ada and Ben are typing",
    "Hebrew": "שלום (3)",
    "marks": "Z\u0300\u0301\u0302\u0303a\u0323\u0324\u0325\u0326",
    "emoji": "😀" * 32,
    "a word": "w" * 32,
    "a line of another's": "Ben 12:03: I agree",
}
