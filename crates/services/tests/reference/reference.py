"""Computes what tools have to answer, with libraries that know nothing of ours.

Each case is {service, tool, arguments, answer}; the answer holds what is compared, no more.
"""

import json
import pathlib

import numpy as np
from scipy.spatial import distance
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


if __name__ == "__main__":
    write("vector_similarity", vector_similarity())
