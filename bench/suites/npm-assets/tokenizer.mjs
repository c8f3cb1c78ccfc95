/** Pieces of text by a unigram model (Kudo, "Subword Regularization", 2018): the segmentation of largest probability. */

/** Pieces before these are control symbols; the first stands for what no piece covers. */
const FIRST_PIECE = 6;
const UNKNOWN = 0;
/** Worse than every piece. */
const UNKNOWN_SCORE = -20;

/**
 * A tokenizer.
 * @param vocabulary - pieces with the logarithms of their probabilities, by number
 * @returns a function from text to numbers of pieces
 */
export function createTokenizer(vocabulary) {
  const pieces = new Map(
    vocabulary.slice(FIRST_PIECE).map(([piece, score], i) => [piece, [i + FIRST_PIECE, score]]),
  );
  const longest = Math.max(...[...pieces.keys()].map((piece) => [...piece].length));
  return (text) => {
    // Words begin with a mark of their own, as SentencePiece has them.
    const characters = [...`▁${text.normalize('NFKC').trim().replaceAll(/\s+/g, '▁')}`];
    const best = [{ score: 0, from: 0, id: UNKNOWN }];
    for (let end = 1; end <= characters.length; end++) {
      best[end] = { score: best[end - 1].score + UNKNOWN_SCORE, from: end - 1, id: UNKNOWN };
      for (let from = Math.max(0, end - longest); from < end; from++) {
        const known = pieces.get(characters.slice(from, end).join(''));
        const score = known ? best[from].score + known[1] : Number.NEGATIVE_INFINITY;
        if (score > best[end].score) best[end] = { score, from, id: known[0] };
      }
    }
    const ids = [];
    for (let end = characters.length; end > 0; end = best[end].from) ids.push(best[end].id);
    return ids.reverse();
  };
}
