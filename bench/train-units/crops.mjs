/**
 * Random crops of pictures for training: a part of random area, proportion and place, scaled to the network's input,
 * mirrored or not, a little brighter or darker, and with a little more or less color (Szegedy et al., 2015). What a crop
 * is follows from its number.
 */

import { createRandom } from '@featherwire/tensor';
import sharp from 'sharp';

/** Share of the picture's area. */
const AREA = { least: 0.35, most: 1 };
/** Width over height of the part is between this and its reciprocal. */
const NARROWEST = 3 / 4;
/** Brightness and saturation are multiplied by numbers between this and its reciprocal. */
const PALEST = 0.8;
/** Drawings of a part until one fits into the picture; then it is the largest square in the middle. */
const ATTEMPTS = 10;

/**
 * A crop as RGB bytes, rows of pixels.
 * @param file - of the picture
 * @param side - of the square that comes out, in pixels
 * @param number - another one gives another crop
 */
export async function cropOf(file, side, number) {
  const random = createRandom(number);
  const { width, height } = await sharp(file).metadata();
  const part = drawPart(random, width, height);
  const [brightness, saturation] = [evenByLogarithm(random, PALEST), evenByLogarithm(random, PALEST)];
  const isMirrored = random.nextUniform() < 0.5;
  const crop = sharp(file)
    .toColourspace('srgb')
    .removeAlpha()
    .extract(part)
    .resize(side, side, { fit: 'fill' })
    .modulate({ brightness, saturation });
  return (isMirrored ? crop.flop() : crop).raw().toBuffer();
}

function drawPart(random, width, height) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = width * height * (AREA.least + (AREA.most - AREA.least) * random.nextUniform());
    const proportion = evenByLogarithm(random, NARROWEST);
    const part = {
      width: Math.round(Math.sqrt(area * proportion)),
      height: Math.round(Math.sqrt(area / proportion)),
    };
    if (part.width > width || part.height > height) continue;
    return {
      ...part,
      left: random.nextInteger(width - part.width + 1),
      top: random.nextInteger(height - part.height + 1),
    };
  }
  const side = Math.min(width, height);
  return {
    width: side,
    height: side,
    left: Math.floor((width - side) / 2),
    top: Math.floor((height - side) / 2),
  };
}

/** Between `least` and its reciprocal. */
function evenByLogarithm(random, least) {
  return least ** (1 - 2 * random.nextUniform());
}
