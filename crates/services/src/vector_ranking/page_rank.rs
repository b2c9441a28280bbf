//! `PageRank`: how much the links between documents say for each of them.

use super::document::Corpus;

/// The share of a reader's steps that follow a link.
pub(super) const DEFAULT_DAMPING: f64 = 0.85;
/// The most rounds.
pub(super) const DEFAULT_ITERATIONS: usize = 30;

/// From here on a further round changes nothing worth having.
const TOLERANCE: f64 = 1e-12;

/// The links between documents.
///
/// Two links from one document to another are one. Links to what is not among the documents lead
/// nowhere.
#[derive(Debug)]
pub(super) struct Graph {
    /// By document: those that it links to, in ascending order.
    targets: Vec<Vec<u32>>,
    /// How many links lead nowhere.
    pub(super) n_unknown: usize,
}

/// What the rounds came to.
#[derive(Debug)]
pub(super) struct Ranks {
    /// By document: its share; all of them are 1.
    pub(super) shares: Vec<f64>,
    /// How many rounds there were.
    pub(super) n_rounds: usize,
    /// Whether the last round changed nothing worth having.
    pub(super) converged: bool,
}

impl Graph {
    /// Finds the links of these types, or all.
    pub(super) fn new(corpus: &Corpus, types: Option<&[String]>) -> Self {
        let mut n_unknown = 0;
        let targets = corpus.documents().iter().map(|document| {
            let mut targets = Vec::new();
            for (id, kind) in document.typed_links() {
                if types.is_some_and(|types| !types.iter().any(|known| known == kind)) {
                    continue;
                }
                match corpus.position(id).and_then(|position| u32::try_from(position).ok()) {
                    Some(position) => targets.push(position),
                    None => n_unknown += 1,
                }
            }
            targets.sort_unstable();
            targets.dedup();
            targets
        });
        Self { targets: targets.collect(), n_unknown }
    }

    /// Returns how many links there are.
    pub(super) fn n_links(&self) -> usize {
        self.targets.iter().map(Vec::len).sum()
    }

    /// Lets readers wander: with the share `damping` along a link, else to any document. Who comes
    /// to a document without links goes on to any.
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^53 documents")]
    pub(super) fn ranks(&self, damping: f64, most_rounds: usize) -> Ranks {
        let n_documents = self.targets.len();
        let count = n_documents as f64;
        let mut shares = vec![1.0 / count; n_documents];
        let mut next = vec![0.0; n_documents];
        let mut n_rounds = 0;
        let mut converged = n_documents == 0;
        while n_rounds < most_rounds && !converged {
            let stranded: f64 = self
                .targets
                .iter()
                .zip(&shares)
                .filter(|(targets, _)| targets.is_empty())
                .map(|(_, share)| share)
                .sum();
            next.fill((1.0 - damping + damping * stranded) / count);
            for (targets, share) in self.targets.iter().zip(&shares) {
                let each = damping * share / targets.len() as f64;
                for &target in targets {
                    next[target as usize] += each;
                }
            }
            let change: f64 = next.iter().zip(&shares).map(|(new, old)| (new - old).abs()).sum();
            std::mem::swap(&mut shares, &mut next);
            n_rounds += 1;
            converged = change < TOLERANCE;
        }
        Ranks { shares, n_rounds, converged }
    }
}
