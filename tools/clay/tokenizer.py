"""CLIP's byte-pair encoding, for the little vocabulary of the clay world's captions.

    python tokenizer.py OUT SHARD.jsonl...

writes vocab.json and merges.txt in which every word of the captions is one token; any other text is still encodable,
by pieces or bytes. <|endoftext|> has the highest number, as CLIP's pooling wants, and also pads, as in SD 1.x."""

import collections
import functools
import json
import os
import sys

import regex
import torch

WORDS = regex.compile(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
LENGTH = 77
ALSO = "photo picture drawing painting sculpture toy figure clay small big little happy no not and two in of at by the a an"


def letters_of_bytes():
    """CLIP writes every byte as a printable letter; the order is that of its vocabulary."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return {b: chr(b) for b in shown} | {b: chr(256 + i) for i, b in enumerate(hidden)}


def spell(word, letters=letters_of_bytes()):
    pieces = [letters[b] for b in word.encode()]
    return pieces[:-1] + [pieces[-1] + "</w>"]


def join(pieces, pair):
    out, i = [], 0
    while i < len(pieces):
        both = tuple(pieces[i : i + 2]) == pair
        out.append("".join(pieces[i : i + 2]) if both else pieces[i])
        i += 2 if both else 1
    return out


class Tokenizer:
    def __init__(self, folder):
        with open(f"{folder}/vocab.json") as f:
            self.number = json.load(f)
        with open(f"{folder}/merges.txt") as f:
            self.rank = {tuple(line.split()): i for i, line in enumerate(f.read().splitlines()[1:])}
        self.start, self.end = self.number["<|startoftext|>"], self.number["<|endoftext|>"]

    @functools.lru_cache(None)
    def pieces(self, word):
        p = spell(word)
        while len(p) > 1:
            best = min(zip(p, p[1:]), key=lambda pair: self.rank.get(pair, 1 << 30))
            if best not in self.rank:
                break
            p = join(p, best)
        return [self.number[x] for x in p]

    def __call__(self, texts):
        """[n, 77] token numbers."""
        rows = []
        for text in texts:
            ids = [i for word in WORDS.findall(" ".join(text.lower().split())) for i in self.pieces(word)]
            ids = [self.start, *ids[: LENGTH - 2], self.end]
            rows.append(ids + [self.end] * (LENGTH - len(ids)))
        return torch.tensor(rows)


def build(captions, folder):
    count = collections.Counter(ALSO.split())
    for caption in captions:
        count.update(WORDS.findall(caption.lower()))
    words, merges = {w: spell(w) for w in count}, []
    while True:
        pairs = collections.Counter()
        for w, pieces in words.items():
            for pair in zip(pieces, pieces[1:]):
                pairs[pair] += count[w]
        if not pairs:
            break
        merges.append(max(sorted(pairs), key=lambda p: pairs[p]))
        words = {w: join(pieces, merges[-1]) for w, pieces in words.items()}
    letters = list(letters_of_bytes().values())
    vocabulary = dict.fromkeys([*letters, *(c + "</w>" for c in letters), *(a + b for a, b in merges)])
    vocabulary = [*vocabulary, "<|startoftext|>", "<|endoftext|>"]
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/vocab.json", "w") as f:
        json.dump({t: i for i, t in enumerate(vocabulary)}, f, ensure_ascii=False)
    with open(f"{folder}/merges.txt", "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    print(len(count), "words,", len(vocabulary), "tokens,", len(merges), "merges")


if __name__ == "__main__":
    build([c for path in sys.argv[2:] for line in open(path) for c in json.loads(line)["captions"]], sys.argv[1])
