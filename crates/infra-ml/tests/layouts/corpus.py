"""The texts on which the tokenizers of this folder are compared. The same seed gives the same texts."""

import random

SPECIAL = [
    "[MASK]", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "<s>", "</s>", "<pad>", "<unk>", "<mask>", "<s>NOTUSED",
    "</s>NOTUSED", "<unk>NOTUSED", "[unused1]", "<new>", "<New>", "NewToken", "newtoken", "[mask]", "<MASK>", "[ MASK ]",
]
SPACES = [
    " ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\v", "\f", "\u00a0", "\u1680", "\u2000", "\u2002", "\u2003", "\u2009",
    "\u200a", "\u200b", "\u202f", "\u205f", "\u3000", "\u2028", "\u2029", "\u0085", "\ufeff", "\u2060", "\u180e", "▁",
]
FIXED = [
    "", " ", "  ", "\n", "\r\n", "\t\t", "\u00a0", "\u3000", "▁", "▁▁", "\u0000", "\u200b", "\ufeff", "a", "A", ".", "...",
    "I love this film, it is wonderful!", "The worst service that I have ever had; never again.",
    "It is what it is, neither good nor bad.", "Don't, I'd, we've, you're, she'll, it's, I'M, CAN'T", "it 's  not  good",
    "Très déçu : la livraison n'est jamais arrivée.", "Das Essen war köstlich und die Bedienung überaus freundlich.",
    "このレストランは本当に美味しかったです。", "我非常喜欢这家餐厅，下次还会再来！", "이 영화는 정말 재미있었어요.",
    "الخدمة كانت رائعة جدا", "השירות היה נפלא", "บริการดีมากและอาหารอร่อย", "सेवा बहुत अच्छी थी", "Отличный сервис, спасибо!",
    "Η εξυπηρέτηση ήταν εξαιρετική", "👍🏽👍🏽 best day ever 👨‍👩‍👧", "line one\r\nline two\r\n\r\nline four", "\r\n\r\n",
    "  leading and trailing  ", "\ttab\tbetween\twords\t", "e\u0301cole naïve café Ångström ÅNGSTRÖM ﬁne ﬂow ﬃ ﬆ ß ẞ İ ı ŉ ǆ",
    "ＦＵＬＬ　ｗｉｄｔｈ　１２３！", "ｶﾞｷﾞｸﾞ ﾊﾟﾋﾟ", "½ ¼ ² ³ ₂ № ™ ℡ ㈱ ㎏ ⑩ Ⅷ ﷺ", "𝓱𝓮𝓵𝓵𝓸 𝕨𝕠𝕣𝕝𝕕", "@user check http://t.co/AbC12 #wow",
    "https://example.com/a?b=c&d=e#f and user@example.com", "1,234.56 -7 +8 1e10 0x1F 12:30 2024-01-31 99% $5 €7 £3",
    "&amp; &lt;b&gt; <br/>", "\u0000a\u0000b\u0007c\u001bd\u007fe\u009ff", "\ufffd\ufffe\uffff\U0001ffff", "\u0378\u0530\U000e0000",
    "\ue000\uf8ff\U000f0000\U0010ffff", "\u202eright to left\u202c \u2066x\u2069", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘", "🇩🇪🇫🇷 1️⃣ #️⃣ ❤️ ❤ 🏴\U000e0067\U000e0062\U000e007f",
    "<s> a </s>", "a<mask>b", "a <mask> b", "a  <mask>  b", "[CLS] a [SEP]", "x[MASK]y", "<s></s><s>", "</s>", "<mask>", "[MASK]",
    "_under_score_ snake_case ALLCAPS camelCase", "--- *** ``quoted'' “curly” ‘single’ «guillemets» …", "a" * 100, "a" * 101, "ab" * 150,
    "字" * 300, "é" * 300, "e\u0301" * 300, "1" * 300, "!" * 300, "👍" * 120, "ｗ" * 300, "x " * 150, "\u0301", "\u0301a", "a\u200db",
]
SCRIPTS = {
    "latin": (0x61, 0x7A), "accents": (0xC0, 0x24F), "vietnamese": (0x1EA0, 0x1EF9), "greek": (0x391, 0x3C9),
    "cyrillic": (0x410, 0x44F), "armenian": (0x561, 0x587), "hebrew": (0x5D0, 0x5EA), "arabic": (0x621, 0x652),
    "devanagari": (0x904, 0x94D), "bengali": (0x985, 0x9CD), "tamil": (0xB85, 0xBCD), "thai": (0xE01, 0xE4E),
    "lao": (0xE81, 0xECD), "tibetan": (0xF40, 0xFBC), "georgian": (0x10D0, 0x10FA), "ethiopic": (0x1200, 0x135A),
    "khmer": (0x1780, 0x17D3), "hiragana": (0x3041, 0x3096), "katakana": (0x30A1, 0x30FA), "cjk": (0x4E00, 0x9FFF),
    "cjk_ext": (0x20000, 0x2A6DF), "hangul": (0xAC00, 0xD7A3), "jamo": (0x1100, 0x11FF),
}
WORDS = (
    "the a good bad film service was is not very never again love hate food great terrible okay staff friendly slow "
    "delivery arrived broken Wonderful WORST I'm don't It's très déçu köstlich überaus señor niño façade résumé"
).split()
EMOJI = "👍 👎 😀 😡 ❤ ☺ ✈ 👩 👨 👧 🏽 🏿 🎉 🔥 🇺 🇸 ⌚ ☎ 🏳 🌈 🤷 ♀ ♂ ⚕".split()
JOINERS = ["", "", "\u200d", "\ufe0f", "\ufe0e", "\u20e3", " "]


def words(random_, count=6):
    return " ".join(random_.choice(WORDS) for _ in range(random_.randint(1, count)))


def script(random_):
    first, last = SCRIPTS[random_.choice(list(SCRIPTS))]
    return "".join(chr(random_.randint(first, last)) for _ in range(random_.randint(1, 9)))


def emoji(random_):
    return "".join(random_.choice(EMOJI) + random_.choice(JOINERS) for _ in range(random_.randint(1, 6)))


def control(random_):
    codes = [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x34F, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xFFF9, 0xFFFD]
    return "".join(random_.choice("ab ") + chr(random_.choice(codes)) for _ in range(random_.randint(1, 6)))


def marks(random_):
    marks_ = [*range(0x300, 0x370), *range(0x483, 0x488), *range(0x591, 0x5BE), *range(0x64B, 0x660), *range(0x1AB0, 0x1ABF), *range(0x20D0, 0x20F1), *range(0x3099, 0x309B)]
    return "".join(random_.choice("aeiouNcが요 ") + "".join(chr(random_.choice(marks_)) for _ in range(random_.randint(1, 3))) for _ in range(random_.randint(1, 6)))


def compatible(random_):
    ranges = [(0xFF01, 0xFF9F), (0xFB00, 0xFB06), (0xFB1D, 0xFB4F), (0xFE70, 0xFEFC), (0x2100, 0x214F), (0x2160, 0x2188), (0x2460, 0x24FF), (0x3200, 0x33FF), (0x1D400, 0x1D7FF), (0xF900, 0xFAFF), (0x2070, 0x209C), (0xBC, 0xBE)]
    chosen = [random_.choice(ranges) for _ in range(random_.randint(1, 8))]
    return "".join(chr(random_.randint(*each)) for each in chosen)


def special(random_):
    return random_.choice(["", " ", "a", "."]).join(random_.choice(SPECIAL) for _ in range(random_.randint(1, 3)))


def number(random_):
    return random_.choice([f"{random_.randint(0, 10**9):,}", f"{random_.random():.4f}", f"-{random_.randint(0, 99)}%", f"{random_.randint(1, 31)}/{random_.randint(1, 12)}/2024", f"{random_.randint(0, 23)}:{random_.randint(0, 59):02}", "٣٤٥", "१२३", "１２３"])


def link(random_):
    return random_.choice(["https://example.com/", "http://t.co/", "www.", "@user", "#", "@", "mailto:a@b.c?"]) + "".join(random_.choice("abcXYZ019_-/.%") for _ in range(random_.randint(0, 12)))


def punctuation(random_):
    return "".join(random_.choice("!?.,;:'\"()[]{}<>-_*&^%$#@~`|\\/+=…—–“”‘’«»¿¡§¶†•·、。「」؟،") for _ in range(random_.randint(1, 8)))


def private(random_):
    ranges = [(0xE000, 0xF8FF), (0x378, 0x379), (0x2FE0, 0x2FEF), (0xFDD0, 0xFDEF), (0xE0000, 0xE01EF), (0xF0000, 0xFFFFD), (0x1FAFF, 0x1FBFF), (0x3FFFE, 0x3FFFF)]
    return "".join(random_.choice("a ") + chr(random_.randint(*random_.choice(ranges))) for _ in range(random_.randint(1, 5)))


def anything(random_):
    code = lambda: random_.choice([random_.randint(0, 0xD7FF), random_.randint(0xE000, 0x2FFFF)])
    return "".join(chr(code()) for _ in range(random_.randint(1, 12)))


def long_word(random_):
    first, last = SCRIPTS[random_.choice(["latin", "accents", "cyrillic", "thai", "hangul", "cjk"])]
    few = [chr(random_.randint(first, last)) for _ in range(3)]
    return "".join(random_.choice(few) for _ in range(random_.choice([99, 100, 101, 300])))


KINDS = [words, script, emoji, control, marks, compatible, special, number, link, punctuation, private, anything]


def mixed(random_):
    parts = [random_.choice(KINDS)(random_) for _ in range(random_.randint(2, 6))]
    return "".join(part + random_.choice(SPACES + ["", "", " "]) for part in parts)


def spaced(random_):
    return "".join(random_.choice(SPACES) + random_.choice(WORDS) for _ in range(random_.randint(1, 6))) + random_.choice(SPACES)


def texts():
    """At least 2,000 texts, all different."""
    random_ = random.Random(20_000)
    found = dict.fromkeys(FIXED)
    for kind, count in [*((kind, 110) for kind in KINDS), (long_word, 24), (spaced, 160), (mixed, 640)]:
        goal = len(found) + count
        while len(found) < goal:
            found[kind(random_)] = None
    return list(found)
