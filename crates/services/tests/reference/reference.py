"""Computes what tools have to answer, with libraries that know nothing of ours.

Each case is {service, tool, arguments, answer}; the answer holds what is compared, no more.
"""

import json
import pathlib
import re

import networkx
import numpy as np
from rank_bm25 import BM25Okapi
from scipy.spatial import distance
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import jaccard_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import normalize

HERE = pathlib.Path(__file__).parent
RANDOM = np.random.default_rng(8101)


def case(service, tool, arguments, answer):
    return {"service": service, "tool": tool, "arguments": arguments, "answer": answer}


def write(name, cases):
    lines = ",\n".join(json.dumps(case, default=plain, ensure_ascii=False) for case in cases)
    (HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def plain(value):
    """Turns what NumPy returns into what JSON knows."""
    return value.tolist()


# Vectors.


def compare(metric, left, right):
    """Returns similarity and distance as `vector_similarity` defines them."""
    if metric == "cosine":
        apart = distance.cosine(left, right)
        return 1 - apart, apart
    if metric == "dot_product":
        product = np.dot(left, right)
        return product, -product
    if metric == "jaccard":
        apart = distance.jaccard(left > 0, right > 0)
        return 1 - apart, apart
    if metric == "hamming":
        share = distance.hamming(left > 0.5, right > 0.5)
        return 1 - share, share * len(left)
    apart = {"euclidean": distance.euclidean, "manhattan": distance.cityblock}[metric](left, right)
    return 1 / (1 + apart), apart


METRICS = ["cosine", "euclidean", "manhattan", "dot_product", "jaccard", "hamming"]


def vector_similarity():
    service = "vector_similarity"
    for metric in METRICS:
        for length in [1, 7, 8, 9, 33, 384]:
            left, right = RANDOM.normal(size=(2, length)).round(4)
            similarity, apart = compare(metric, left, right)
            yield case(
                service,
                "calculate_vector_similarity_mcp",
                {"vector1": left, "vector2": right, "metric": metric},
                {"similarity": similarity, "distance": apart, "vector_dimensions": length},
            )
        query = RANDOM.normal(size=12).round(4)
        candidates = RANDOM.normal(size=(40, 12)).round(4)
        found = [(*compare(metric, query, row), at) for at, row in enumerate(candidates)]
        found.sort(key=lambda one: (round(one[1], 12), one[2]))
        threshold = found[14][0]
        enough = [one for one in found if one[0] >= threshold - 1e-12]
        results = [
            {"id": f"v{at}", "index": at, "similarity": similarity, "distance": apart}
            for similarity, apart, at in enough[:6]
        ]
        yield case(
            service,
            "batch_vector_similarity_mcp",
            {
                "query_vector": query,
                "candidate_vectors": [
                    {"id": f"v{at}", "vector": row} for at, row in enumerate(candidates)
                ],
                "metric": metric,
                "top_k": 6,
                "threshold": threshold - 1e-12,
            },
            {"results": results, "above_threshold": len(enough), "candidates_processed": 40},
        )
    for shape in [(1, 3), (2, 1), (30, 16), (401, 3)]:
        vectors = (RANDOM.normal(size=shape) * 10 + 3).round(3)
        norms = np.linalg.norm(vectors, axis=1)
        answer = {
            "count": shape[0],
            "dimensions": shape[1],
            "mean_vector": vectors.mean(axis=0),
            "std_vector": vectors.std(axis=0),
            "min_values": vectors.min(axis=0),
            "max_values": vectors.max(axis=0),
            "norm_statistics": {
                "mean_norm": norms.mean(),
                "std_norm": norms.std(),
                "min_norm": norms.min(),
                "max_norm": norms.max(),
            },
        }
        if shape[0] > 1:
            cosines = 1 - distance.pdist(vectors, "cosine")
            answer["pairwise_similarities"] = {
                "count": len(cosines),
                "mean": cosines.mean(),
                "std": cosines.std(),
                "min": cosines.min(),
                "max": cosines.max(),
            }
        arguments = {"vectors": vectors, "calculate_pairwise": True}
        yield case(service, "vector_statistics_mcp", arguments, answer)
    for kind in ["l2", "l1", "max"]:
        vectors = RANDOM.normal(size=(5, 9)).round(4)
        vectors[3] = 0
        unit, factors = normalize(vectors, norm=kind, return_norm=True)
        if kind == "max":
            # The library divides by the largest number, we by the largest magnitude.
            factors = np.abs(vectors).max(axis=1)
            unit = vectors / np.where(factors == 0, 1, factors)[:, None]
        factors[3] = 0
        yield case(
            service,
            "normalize_vectors_mcp",
            {"vectors": vectors, "norm_type": kind},
            {"normalized_vectors": unit, "normalization_factors": factors, "zero_vectors": [3]},
        )


# Documents.

WORDS = [
    "amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "jetty",
    "kelp", "lagoon", "marsh", "north", "ocean", "prairie", "quarry", "ridge", "shore", "tundra",
]


class SmoothBM25(BM25Okapi):
    """BM25 whose rarity of a word is never negative."""

    def _calc_idf(self, nd):
        for word, having in nd.items():
            self.idf[word] = np.log(1 + (self.corpus_size - having + 0.5) / (having + 0.5))


def documents(count):
    for at in range(count):
        # Some words are common and some are rare.
        picks = RANDOM.integers(0, len(WORDS), size=(RANDOM.integers(3, 30), 2)).min(axis=1)
        yield {"docId": f"d{at}", "content": " ".join(WORDS[pick] for pick in picks)}


def best_first(ids, scores):
    order = sorted(range(len(ids)), key=lambda at: (-scores[at], at))
    return {ids[at]: scores[at] for at in order}


def bm25():
    for query, k1, b in [
        ("amber tundra", 1.2, 0.75),
        ("shore ridge shore", 1.2, 0.75),
        ("kelp unknown", 2.0, 0.0),
        ("marsh ocean prairie", 0.5, 1.0),
    ]:
        given = list(documents(25))
        texts = [document["content"].split() for document in given]
        scores = SmoothBM25(texts, k1=k1, b=b).get_scores(query.split())
        yield case(
            "vector_ranking",
            "calculate_bm25_scores_mcp",
            {"query": query, "documents": given, "k1": k1, "b": b},
            {
                "scores": best_first([one["docId"] for one in given], scores / scores.max()),
                "max_score": scores.max(),
                "corpus_stats": {
                    "total_documents": 25,
                    "total_tokens": sum(map(len, texts)),
                    "avg_doc_length": np.mean([len(text) for text in texts]),
                },
            },
        )


def steps(matrix, damping, rounds):
    """Walks `rounds` steps; whoever is at a document without links goes to any."""
    count = len(matrix)
    out = matrix.sum(axis=1, keepdims=True)
    walk = np.where(out > 0, matrix / np.where(out > 0, out, 1), 1 / count)
    share = np.full(count, 1 / count)
    for _ in range(rounds):
        share = (1 - damping) / count + damping * share @ walk
    return share


def page_rank():
    for count, links, damping in [(5, 7, 0.85), (40, 120, 0.85), (40, 30, 0.5)]:
        edges = set(map(tuple, RANDOM.integers(0, count, size=(links, 2)).tolist()))
        graph = networkx.DiGraph()
        graph.add_nodes_from(range(count))
        graph.add_edges_from(sorted(edges))
        ids = [f"n{at}" for at in range(count)]
        given = [
            {"docId": ids[at], "links": [ids[to] for to in graph.successors(at)]}
            for at in range(count)
        ]
        for rounds in [1, 30, 1000]:
            if rounds == 1000:
                ranks = networkx.pagerank(graph, alpha=damping, max_iter=5000, tol=1e-16)
                shares = [ranks[at] for at in range(count)]
            else:
                matrix = networkx.to_numpy_array(graph, nodelist=range(count))
                shares = steps(matrix, damping, rounds)
            yield case(
                "vector_ranking",
                "calculate_pagerank_scores_mcp",
                {"documents": given, "damping_factor": damping, "iterations": rounds},
                {
                    "scores": dict(zip(ids, shares)),
                    "metadata": {"link_density": graph.number_of_edges() / count**2},
                },
            )


def hybrid():
    """Ranks by the parts, without diversity; the parts come from the libraries above."""
    for weights in [None, {"vectorSimilarity": 1, "bm25Score": 1, "pageRankScore": 2}]:
        given = list(documents(12))
        query = "cedar marsh basin"
        vector = RANDOM.normal(size=6).round(3)
        graph = networkx.DiGraph()
        graph.add_nodes_from(range(12))
        for at, document in enumerate(given):
            document["vector"] = RANDOM.normal(size=6).round(3)
            document["links"] = [f"d{to}" for to in RANDOM.integers(0, 12, size=2).tolist()]
            graph.add_edges_from((at, int(link[1:])) for link in document["links"])
        near = np.array([max(0, 1 - distance.cosine(vector, one["vector"])) for one in given])
        words = SmoothBM25([one["content"].split() for one in given], k1=1.2, b=0.75)
        words = words.get_scores(query.split())
        links = steps(networkx.to_numpy_array(graph, nodelist=range(12)), 0.85, 30)
        parts = np.array([near, words / words.max(), links / links.max(), np.zeros(12)])
        names = ["vectorSimilarity", "bm25Score", "pageRankScore", "contextualRelevance"]
        used = np.array([weights.get(name, 0) for name in names]) if weights else None
        used = np.array([0.4, 0.3, 0.2, 0.1]) if used is None else used / used.sum()
        scores = used @ parts
        order = sorted(range(12), key=lambda at: -scores[at])[:5]
        arguments = {
            "query": query,
            "query_vector": vector,
            "candidate_documents": given,
            "apply_diversity": False,
            "top_k": 5,
        }
        if weights:
            arguments["ranking_weights"] = weights
        yield case(
            "vector_ranking",
            "hybrid_ranking_search_mcp",
            arguments,
            {
                "ranked_results": [
                    {
                        "docId": f"d{at}",
                        "rank": rank + 1,
                        "hybridScore": scores[at],
                        "rankingComponents": dict(zip(names, parts[:, at])),
                    }
                    for rank, at in enumerate(order)
                ],
                "ranking_metadata": {"weights_used": dict(zip(names, used))},
            },
        )


def vector_ranking():
    yield from bm25()
    yield from page_rank()
    yield from hybrid()


# Texts, in English and without anything that makes words hard to find.

SOURCE = HERE.parent.parent / "src"
STOP_WORDS = {
    line.split(": ")[0]: set(line.split(": ")[1].split())
    for line in (SOURCE / "text/stop_words.txt").read_text(encoding="utf-8").splitlines()
}
GROUPS = [
    (category, set(group.split()))
    for category, groups in (
        line.split(": ")
        for line in (SOURCE / "semantic_similarity/thesaurus.txt").read_text().splitlines()
    )
    for group in groups.split(" | ")
]


def telling(text):
    return [word for word in re.findall("[a-z]+", text.lower()) if word not in STOP_WORDS["en"]]


# The forms in `TEXTS` of words that the table has.
FORMS = {
    "cars": "car",
    "automobiles": "automobile",
    "corrected": "correct",
    "ships": "ship",
    "sells": "sell",
}


def meaning(word):
    word = FORMS.get(word, word)
    return next(((at, one[0]) for at, one in enumerate(GROUPS) if word in one[1]), None)


def trigrams(word):
    padded = f"^{word}$"
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


def near(left, right):
    if left == right:
        return 1.0
    of_left, of_right = meaning(left), meaning(right)
    score = 0.0
    if of_left and of_right:
        score = 0.8 if of_left[0] == of_right[0] else 0.3 if of_left[1] == of_right[1] else 0.0
    both = trigrams(left), trigrams(right)
    dice = 2 * len(both[0] & both[1]) / (len(both[0]) + len(both[1]))
    return max(score, dice if dice >= 0.4 else 0.0)


def text_similarity(method, text1, text2):
    left, right = telling(text1), telling(text2)
    counts = CountVectorizer(analyzer=lambda words: words).fit_transform([left, right]).toarray()
    jaccard = jaccard_score(counts[0] > 0, counts[1] > 0)
    cosine = cosine_similarity(counts)[0, 1]
    covered = [
        np.mean([max(near(word, other) for other in theirs) for word in mine])
        for mine, theirs in ((left, right), (right, left))
    ]
    parts = {"jaccard": jaccard, "cosine": cosine, "semantic": np.mean(covered)}
    hybrid = 0.3 * parts["jaccard"] + 0.3 * parts["cosine"] + 0.4 * parts["semantic"]
    return {**parts, "hybrid": hybrid}[method], parts


TEXTS = [
    "We build fast cars in a small factory.",
    "They make quick automobiles in a tiny plant.",
    "The calculation of the tax was wrong, so the clerk calculated it again.",
    "A clerk must calculate taxes; every mistake is corrected.",
    "Ships carry goods across the ocean, and goods are sold at the market.",
    "The market sells many goods that ships transport over the sea.",
    "Nothing here has to do with anything above except by chance.",
]


def semantic_similarity():
    service = "semantic_similarity"
    for at, text1 in enumerate(TEXTS):
        for text2 in TEXTS[at:]:
            for method in ["jaccard", "cosine", "semantic", "hybrid"]:
                similarity, parts = text_similarity(method, text1, text2)
                answer = {"similarity": similarity}
                if method == "hybrid":
                    answer["components"] = parts
                yield case(
                    service,
                    "calculate_text_similarity_mcp",
                    {"text1": text1, "text2": text2, "method": method, "return_components": True},
                    answer,
                )
    matrix = np.array([[text_similarity("hybrid", a, b)[0] for b in TEXTS] for a in TEXTS])
    pairs = matrix[np.triu_indices(len(TEXTS), 1)]
    yield case(
        service,
        "calculate_group_similarity_mcp",
        {"texts": TEXTS, "return_matrix": True},
        {
            "average_similarity": pairs.mean(),
            "min_similarity": pairs.min(),
            "max_similarity": pairs.max(),
            "std_deviation": pairs.std(),
            "comparison_count": len(pairs),
            "similarity_matrix": matrix,
        },
    )
    order = sorted(range(1, len(TEXTS)), key=lambda at: -matrix[0, at])
    yield case(
        service,
        "find_similar_texts_mcp",
        {"query": TEXTS[0], "candidates": TEXTS[1:], "top_k": 3},
        {
            "results": [
                {"text": TEXTS[at], "index": at - 1, "similarity": matrix[0, at]}
                for at in order[:3]
            ]
        },
    )


# Confidence.

EVIDENCE = {"academic": 0.9, "verified": 0.8, "empirical": 0.7, "blog": 0.4}
REMAINDERS = {
    "missing_evidence": 0.85,
    "contradictory_evidence": 0.7,
    "weak_inference": 0.8,
    "unvalidated_source": 0.9,
    "complex_reasoning": 0.9,
    "limited_data": 0.85,
    "bad_weather": 0.95,
}


def confidence_calculator():
    service = "confidence_calculator"
    weights = np.array([0.25, 0.20, 0.20, 0.15, 0.10, 0.10])
    for _ in range(30):
        kinds = RANDOM.choice(list(EVIDENCE), size=RANDOM.integers(0, 7)).tolist()
        quality = np.mean([EVIDENCE[kind] for kind in kinds]) if kinds else 0.2
        quality = min(1, quality * 1.2) if len(kinds) > 3 else quality
        total = int(RANDOM.integers(1, 30))
        right = int(RANDOM.integers(0, total + 1))
        recent = RANDOM.integers(0, 2, size=RANDOM.integers(0, 6)).tolist()
        rate = right / total
        rate = 0.7 * rate + 0.3 * np.mean(recent[-3:]) if len(recent) > 2 else rate
        history = rate * (0.6 + 0.08 * total if total < 5 else 0.9 if total < 20 else 1)
        steps = int(RANDOM.integers(0, 20))
        sure = RANDOM.uniform(0, 1, size=steps).round(3)
        drops = sum(later < 0.5 * before for before, later in zip(sure, sure[1:]))
        consistency = max(0.1, 0.8**drops) if steps else 0.3
        simple = 0.8 if steps < 2 else 1 if steps <= 10 else 0.9 if steps <= 15 else 0.7
        said = RANDOM.uniform(0, 1, size=4).round(3)
        validation = np.dot(said[:3], [0.4, 0.3, 0.3]) * said[3]
        values = np.array([quality, consistency, 0.3, history, simple, validation])
        context = {
            "evidence": [{"source_type": kind} for kind in kinds],
            "reasoning_chain": [{"confidence": one} for one in sure],
            "historical_data": {
                "total_attempts": total,
                "successful_attempts": right,
                "recent_results": recent,
            },
            "validation_results": dict(
                zip(
                    [
                        "logical_consistency",
                        "evidence_support",
                        "completeness",
                        "validator_confidence",
                    ],
                    said,
                )
            ),
        }
        yield case(
            service,
            "calculate_reasoning_confidence_mcp",
            {"reasoning_context": context},
            {"confidence": float(np.clip(weights @ values, 0.05, 0.95))},
        )
        names = RANDOM.choice(list(REMAINDERS), size=RANDOM.integers(0, 9)).tolist()
        base = round(float(RANDOM.uniform(0, 1)), 3)
        remainder = np.prod([REMAINDERS[name] for name in names])
        yield case(
            service,
            "adjust_confidence_for_uncertainty_mcp",
            {"base_confidence": base, "uncertainty_factors": names},
            {
                "adjusted_confidence": float(np.clip(base * remainder, 0.05, 0.95)),
                "total_penalty": 1 - remainder,
            },
        )


# Durations.


def performance():
    for count in [1, 2, 7, 100, 1001]:
        durations = RANDOM.gamma(2, 20, size=count).round(3)
        marks = np.percentile(durations, [0, 50, 90, 95, 99, 100])
        names = ["min_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms"]
        answer = {"count": count, "mean_ms": durations.mean(), "std_ms": durations.std()}
        yield case(
            "data_standardization",
            "measure_performance_metrics",
            {"durations_ms": durations},
            {**answer, **dict(zip(names, marks))},
        )


if __name__ == "__main__":
    write("vector_similarity", vector_similarity())
    write("vector_ranking", vector_ranking())
    write("semantic_similarity", semantic_similarity())
    write("confidence_calculator", confidence_calculator())
    write("performance", performance())
