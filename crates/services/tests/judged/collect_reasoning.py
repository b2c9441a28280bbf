"""Makes the judged reasoning cases: python collect_reasoning.py FOLDER, with the packages that SOURCES.md names.

Theories are drawn by a fixed generator and solved by clingo; heights of proofs come from a naive evaluation written here;
Bayesian cases are taken from the public example networks that pgmpy ships and solved by summing over the joint
distribution; stories are in the manner of bAbI, ProofWriter and CLUTRR, with answers from the model they are written from.
"""

import gzip
import hashlib
import itertools
import json
import random
import re
import sys
from pathlib import Path

import clingo

FOLDER = Path(sys.argv[1])
HERE = Path(__file__).parent
CASES = []


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def add(kind, source, given, expected):
    CASES.append({"id": f"{kind}-{digest(kind + json.dumps(given))[:10]}", "kind": kind, "source": source, "input": given,
                  "expected": expected})


# === Theories, solved by clingo ===

def solve(program, predicate, arity):
    control = clingo.Control(["--warn=none"])
    control.add("base", [], program)
    control.ground([("base", [])])
    with control.solve(yield_=True) as handle:
        symbols = list(next(iter(handle)).symbols(atoms=True))
    return sorted([str(a) for a in s.arguments] for s in symbols if s.name == predicate and len(s.arguments) == arity)


def heights(facts, rules):
    """Round in which each atom first comes out, by naive evaluation of positive rules given as (head, body) of tuples."""
    known = {fact: 0 for fact in facts}
    for round_ in itertools.count(1):
        new = {}
        for head, body in rules:
            for binding in matches(body, known):
                atom = tuple(binding.get(term, term) for term in head)
                if atom not in known:
                    new[atom] = round_
        if not new:
            return known
        known.update(new)


def matches(body, known, binding=None):
    binding = binding or {}
    if not body:
        yield binding
        return
    for atom in known:
        if len(atom) == len(body[0]) and atom[0] == body[0][0]:
            extended = dict(binding)
            if all(extended.setdefault(t, a) == a if t[0].isupper() else t == a for t, a in zip(body[0][1:], atom[1:])):
                yield from matches(body[1:], known, extended)


def show(atom):
    return f"{atom[0]}({', '.join(atom[1:])})"


def theory(name, facts, rules, goal):
    """A positive theory: all answers to the goal, and how deep the shallowest proof of each is."""
    text = [show(h) + " :- " + ", ".join(show(b) for b in body) for h, body in rules]
    program = "".join(show(f) + ".\n" for f in facts) + "".join(r + ".\n" for r in text)
    answers = [a for a in solve(program, goal[0], len(goal) - 1)
               if all(t[0].isupper() or t == x for t, x in zip(goal[1:], a))]
    depth = heights(facts, rules)
    add("theory", name, {"facts": [show(f) for f in facts], "rules": text, "goal": show(goal)},
        {"answers": [show((goal[0], *a)) for a in answers],
         "heights": {show((goal[0], *a)): depth[(goal[0], *a)] for a in answers}})


def theories():
    rng = random.Random(20260728)
    path = [(("path", "X", "Y"), [("edge", "X", "Y")]), (("path", "X", "Z"), [("edge", "X", "Y"), ("path", "Y", "Z")])]
    for n, m in [(5, 6), (6, 9), (8, 10), (8, 14), (10, 12)]:
        edges = sorted({("edge", f"n{rng.randrange(n)}", f"n{rng.randrange(n)}") for _ in range(m)})
        theory("generated, clingo 5.8", edges, path, ("path", edges[0][1], "Y"))
    family = [(("parent", "X", "Y"), [("mother", "X", "Y")]), (("parent", "X", "Y"), [("father", "X", "Y")]),
              (("ancestor", "X", "Y"), [("parent", "X", "Y")]), (("ancestor", "X", "Z"), [("parent", "X", "Y"), ("ancestor", "Y", "Z")]),
              (("grandparent", "X", "Z"), [("parent", "X", "Y"), ("parent", "Y", "Z")]),
              (("cousin_line", "X", "Y"), [("grandparent", "G", "X"), ("grandparent", "G", "Y")])]
    people = ["ann", "bob", "cleo", "dan", "eve", "finn", "gus", "hal"]
    for goal in [("ancestor", "ann", "Y"), ("grandparent", "X", "Y"), ("ancestor", "X", "hal"), ("cousin_line", "gus", "Y")]:
        facts = sorted({("mother" if i % 2 == 0 else "father", people[rng.randrange(i)], people[i]) for i in range(1, 8)})
        theory("generated, clingo 5.8", facts, family, goal)
    crime = [(("criminal", "X"), [("american", "X"), ("weapon", "Y"), ("sells", "X", "Y", "Z"), ("hostile", "Z")]),
             (("sells", "west", "X", "nono"), [("missile", "X"), ("owns", "nono", "X")]), (("weapon", "X"), [("missile", "X")]),
             (("hostile", "X"), [("enemy", "X", "america")])]
    theory("the textbook's crime case, as in aima3 1.0.11", [("owns", "nono", "m1"), ("missile", "m1"), ("american", "west"),
           ("enemy", "nono", "america")], crime, ("criminal", "X"))
    attributes = ["big", "kind", "rough", "smart", "red", "quiet", "young", "cold"]
    for seed in range(10):
        rng = random.Random(seed)
        facts = sorted({(rng.choice(attributes[:4]), rng.choice(["bob", "eve", "gus"])) for _ in range(5)})
        rules = []
        for _ in range(6):
            head, *body = rng.sample(attributes, rng.choice([2, 3]))
            rules.append(((head, "X"), [(b, "X") for b in body]))
        theory("generated, clingo 5.8", facts, rules, (rng.choice(attributes[4:]), "X"))
    negation()


def negation():
    """With stratified negation and comparisons: the answers alone, by clingo."""
    rows = [
        (["node(a)", "node(b)", "node(c)", "node(d)", "edge(a, b)", "edge(b, c)"],
         ["reach(X) :- edge(a, X)", "reach(Y) :- reach(X), edge(X, Y)", "lonely(X) :- node(X), not reach(X)"], "lonely(X)"),
        (["employee(ann)", "employee(bob)", "employee(cy)", "manages(ann, bob)", "manages(bob, cy)"],
         ["boss(X) :- manages(X, Y)", "worker(X) :- employee(X), not boss(X)"], "worker(X)"),
        (["age(ann, 17)", "age(bob, 18)", "age(cy, 65)"], ["adult(X) :- age(X, A), A >= 18"], "adult(X)"),
        (["price(tea, 3)", "price(wine, 12)", "price(rum, 30)", "budget(15)"], ["affordable(X) :- price(X, P), budget(B), P <= B"],
         "affordable(X)"),
        (["bird(tweety)", "bird(pingu)", "penguin(pingu)"], ["flies(X) :- bird(X), not penguin(X)"], "flies(X)"),
        (["sold(a, 5)", "sold(b, 7)", "cost(a, 5)", "cost(b, 4)"], ["gain(X, G) :- sold(X, S), cost(X, C), G = S - C, G > 0"], "gain(X, G)"),
        (["task(a)", "task(b)", "task(c)", "needs(b, a)", "needs(c, b)", "done(a)"],
         ["blocked(X) :- needs(X, Y), not done(Y)", "ready(X) :- task(X), not done(X), not blocked(X)"], "ready(X)"),
        (["p(1)", "p(2)", "p(3)", "p(4)"], ["pair(X, Y) :- p(X), p(Y), X < Y, X + Y = 5"], "pair(X, Y)"),
        (["user(u1)", "user(u2)", "role(u1, admin)", "locked(u2)"], ["may(U) :- user(U), not locked(U)", "must_ask(U) :- user(U), not role(U, admin)"],
         "must_ask(U)"),
        (["next(1, 2)", "next(2, 3)", "next(3, 4)", "mark(2)"], ["after(Y) :- mark(X), next(X, Y)", "after(Y) :- after(X), next(X, Y)",
         "before(X) :- next(X, Y), not after(X), not mark(X)"], "before(X)"),
    ]
    for facts, rules, goal in rows:
        name = goal[:goal.index("(")]
        arity = goal.count(",") + 1
        answers = solve("".join(x + ".\n" for x in facts + rules), name, arity)
        add("theory", "by hand, clingo 5.8", {"facts": facts, "rules": rules, "goal": goal},
            {"answers": [show((name, *a)) for a in answers]})


# === Bayesian updates, from the example networks of pgmpy ===

def network(name):
    text = gzip.open(FOLDER / f"pgmpy/pgmpy/utils/example_models/{name}.bif.gz", "rt").read()
    states = {v: re.split(r",\s*", s.strip()) for v, s in re.findall(r"variable\s+(\w+)\s*{[^{]*{([^}]*)}", text)}
    tables = {}
    for head, body in re.findall(r"probability\s*\(([^)]*)\)\s*{(.*?)\n}", text, re.S):
        child, _, given = head.partition("|")
        child, parents = child.strip(), [p.strip() for p in given.split(",") if p.strip()]
        rows = {}
        if not parents:
            values = [float(x) for x in re.search(r"table\s+([^;]*);", body).group(1).split(",")]
            rows[()] = dict(zip(states[child], values))
        else:
            for key, values in re.findall(r"\(([^)]*)\)\s*([^;]*);", body):
                rows[tuple(k.strip() for k in key.split(","))] = dict(zip(states[child], [float(x) for x in values.split(",")]))
        tables[child] = (parents, rows)
    return states, tables


def joint(states, tables, assignment):
    """Probability of a partial assignment, by summing over all the rest."""
    rest = [v for v in states if v not in assignment]
    total = 0.0
    for values in itertools.product(*[states[v] for v in rest]):
        world = {**assignment, **dict(zip(rest, values))}
        product = 1.0
        for child, (parents, rows) in tables.items():
            product *= rows[tuple(world[p] for p in parents)][world[child]]
        total += product
    return total


def bayes():
    for name in ["cancer", "earthquake", "asia", "survey"]:
        states, tables = network(name)
        for cause in states:
            # Findings that are independent of each other once the cause is known: a chain of single updates is exact.
            effects = [v for v in states if tables[v][0] == [cause]]
            if not effects:
                continue
            prior = {s: joint(states, tables, {cause: s}) for s in states[cause]}
            for pick in itertools.product(*[states[e] for e in effects]):
                findings = dict(zip(effects, pick))
                weights = {s: joint(states, tables, {cause: s, **findings}) for s in states[cause]}
                total = sum(weights.values())
                add("bayes", f"pgmpy 1.1.2, network {name}", {
                    "hypotheses": [{"name": s, "prior": prior[s]} for s in states[cause]],
                    "evidence": [{"name": f"{e}={v}", "likelihoods": {s: tables[e][1][(s,)][v] for s in states[cause]}}
                                 for e, v in findings.items()],
                }, {"posteriors": {s: weights[s] / total for s in states[cause]}})


# === Stories ===

def stories():
    fears = {"mouse": ("mice", "cats"), "sheep": ("sheep", "wolves"), "cat": ("cats", "dogs"), "wolf": ("wolves", "lions")}
    rng = random.Random(15)
    for names in [["Gertrude", "Jessica", "Emily"], ["Winona", "Lily", "Brian"], ["Bernhard", "Greg", "Julius"], ["Rosa", "Max", "Ida"]]:
        kinds = rng.sample(list(fears), 3)
        text = [f"{fears[k][0].capitalize()} are afraid of {fears[k][1]}." for k in fears]
        text += [f"{n} is a {k}." for n, k in zip(names, kinds)]
        rng.shuffle(text)
        add("story", "in the manner of bAbI 15", {"question": " ".join(text) + f" What is {names[0]} afraid of?"},
            {"answer": fears[kinds[0]][1]})
    add("story", "by hand", {"question": "All men are mortal. Socrates is a man. Is Socrates mortal?"}, {"answer": "yes"})
    add("story", "by hand", {"question": "Every whale is a mammal. Every mammal is warm-blooded. Moby is a whale. Is Moby warm-blooded?"}, {"answer": "yes"})
    add("story", "by hand", {"question": "No reptile is a mammal. Every cobra is a reptile. Kaa is a cobra. Is Kaa a mammal?"}, {"answer": "no"})
    add("story", "by hand", {"question": "All birds are animals. Tom is an animal. Is Tom a bird?"}, {"answer": "unknown"})
    for seed in range(12):
        rng = random.Random(100 + seed)
        attributes = ["big", "kind", "rough", "smart", "red", "quiet", "young", "cold"]
        people = ["Bob", "Erin", "Gary"]
        facts = {(p, a) for p in people for a in rng.sample(attributes[:4], 2)}
        rules = []
        for _ in range(4):
            head, *body = rng.sample(attributes, rng.choice([2, 3]))
            rules.append((body, head))
        forms = [lambda b, h: f"If someone is {' and '.join(b)} then they are {h}.", lambda b, h: f"All {', '.join(b)} people are {h}."]
        text = [f"{p} is {a}." for p, a in sorted(facts)] + [forms[(seed + i) % 2](b, h) for i, (b, h) in enumerate(rules)]
        known = set(facts)
        while True:
            new = {(p, h) for p in people for b, h in rules if all((p, x) in known for x in b)} - known
            if not new:
                break
            known |= new
        derived = sorted(known - facts)
        person, attribute = derived[0] if derived and seed % 3 else (people[seed % 3], attributes[4 + seed % 4])
        add("story", "in the manner of ProofWriter", {"question": " ".join(text) + f" Is {person} {attribute}?"},
            {"answer": "yes" if (person, attribute) in known else "unknown"})
    kin = [("mother", "father", "grandmother"), ("father", "mother", "grandfather"), ("brother", "mother", "uncle"), ("sister", "father", "aunt")]
    for index, (first, second, result) in enumerate(kin):
        a, b, c = [["Anna", "Ben", "Carl"], ["Dora", "Emil", "Fay"], ["Gus", "Hilde", "Ivan"], ["Jana", "Karl", "Lou"]][index]
        add("story", "in the manner of CLUTRR", {"question": f"{a} is the {first} of {b}. {b} is the {second} of {c}. "
            f"If X is the {first} of Y and Y is the {second} of Z then X is the {result} of Z. Who is the {result} of {c}?"}, {"answer": a})


def main():
    for make in [theories, bayes, stories]:
        make()
    for line in (HERE / "reasoning_by_hand.jsonl").read_text().splitlines():
        case = json.loads(line)
        add(case["kind"], "by hand", case["input"], case["expected"])
    parts = {"development": [], "held_out": []}
    for case in sorted({case["id"]: case for case in CASES}.values(), key=lambda case: case["id"]):
        parts["held_out" if int(digest(case["id"])[:2], 16) % 2 else "development"].append(case)
    for name, cases in parts.items():
        (HERE / f"reasoning_{name}.jsonl").write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases))
        counts = {}
        for case in cases:
            counts[case["kind"]] = counts.get(case["kind"], 0) + 1
        print(name, len(cases), counts)


if __name__ == "__main__":
    main()
