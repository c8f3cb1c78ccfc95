/** What `--data` may name: the paragraph of every command's help that takes labeled data. */

/** Forms of labeled data; lines of at most 120 characters. */
export const DATA_FORMS = `\
DATA is a directory of pictures with labels.json ([{"file": …, "label": …}], for segmentation [{"file": …, "mask": …}]
with pictures whose gray values are classes, 255 for places that are not judged, for detection [{"file": …, "boxes":
[{"label", "left", "top", "right", "bottom"}, …]}] in shares of width and height), a .npz with inputs and labels, a
.npy with labels beside it (x.npy and x.labels.npy), or the name of a set: text-lines (prose drawn on the spot),
turned-lines (the same, every second upside down), fashion-mnist (of Debian's package dataset-fashion-mnist).`;
