"""Words for numbers that a client of RDP tells: keyboards ([MS-RDPBCGR], [MS-LCID]) and builds of Windows."""

from __future__ import annotations

from typing import Final

KEYBOARD_TYPES: Final = {
    1: "xt", 2: "olivetti_ico", 3: "at", 4: "enhanced", 5: "nokia_1050", 6: "nokia_9140", 7: "japanese",
}  # fmt: skip
KEYBOARD_LAYOUTS: Final = {
    0x0401: "ar-SA", 0x0402: "bg-BG", 0x0404: "zh-TW", 0x0405: "cs-CZ", 0x0406: "da-DK", 0x0407: "de-DE",
    0x0408: "el-GR", 0x0409: "en-US", 0x040A: "es-ES", 0x040B: "fi-FI", 0x040C: "fr-FR", 0x040D: "he-IL",
    0x040E: "hu-HU", 0x040F: "is-IS", 0x0410: "it-IT", 0x0411: "ja-JP", 0x0412: "ko-KR", 0x0413: "nl-NL",
    0x0414: "nb-NO", 0x0415: "pl-PL", 0x0416: "pt-BR", 0x0418: "ro-RO", 0x0419: "ru-RU", 0x041A: "hr-HR",
    0x041B: "sk-SK", 0x041C: "sq-AL", 0x041D: "sv-SE", 0x041E: "th-TH", 0x041F: "tr-TR", 0x0422: "uk-UA",
    0x0424: "sl-SI", 0x0425: "et-EE", 0x0426: "lv-LV", 0x0427: "lt-LT", 0x042A: "vi-VN", 0x0439: "hi-IN",
    0x0804: "zh-CN", 0x0807: "de-CH", 0x0809: "en-GB", 0x080A: "es-MX", 0x080C: "fr-BE", 0x0813: "nl-BE",
    0x0816: "pt-PT", 0x0C04: "zh-HK", 0x0C07: "de-AT", 0x0C09: "en-AU", 0x0C0A: "es-ES", 0x0C0C: "fr-CA",
    0x1009: "en-CA", 0x100C: "fr-CH", 0x1409: "en-NZ", 0x1809: "en-IE",
}  # fmt: skip
_BUILDS: Final = {
    2195: "Windows 2000", 2600: "Windows XP", 3790: "Windows Server 2003", 6000: "Windows Vista",
    6001: "Windows Vista SP1", 6002: "Windows Vista SP2", 7600: "Windows 7", 7601: "Windows 7 SP1",
    9200: "Windows 8", 9600: "Windows 8.1", 10240: "Windows 10 (1507)", 10586: "Windows 10 (1511)",
    14393: "Windows 10 (1607)", 15063: "Windows 10 (1703)", 16299: "Windows 10 (1709)",
    17134: "Windows 10 (1803)", 17763: "Windows 10 (1809)", 18362: "Windows 10 (1903)",
    18363: "Windows 10 (1909)", 19041: "Windows 10 (2004)", 19042: "Windows 10 (20H2)",
    19043: "Windows 10 (21H1)", 19044: "Windows 10 (21H2)", 19045: "Windows 10 (22H2)",
    22000: "Windows 11 (21H2)", 22621: "Windows 11 (22H2)",
}  # fmt: skip


def system(build: int) -> str:
    """The Windows that has this build; "" = none that is known."""
    return _BUILDS.get(build, "")
