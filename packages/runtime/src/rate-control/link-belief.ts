/**
 * What is believed of a link as probabilities on a grid: round trip by time for each byte, both logarithmic. Only the part
 * of the grid that has weight is worked on, some hundreds of cells once a link is known.
 */

/** A message's time as the mean and deviation of its natural logarithm, noise included; in milliseconds. */
export interface LogTime {
  readonly meanLog: number;
  readonly deviationLog: number;
  /** Part of the time that depends on the rate, 0 to 1. */
  readonly rateShare: number;
}

/** A belief; it changes in place. */
export interface LinkBelief {
  predict(bytes: number): LogTime;
  /**
   * Takes in an exchange by Bayes' rule.
   * @param linkMs - above 0
   * @returns how well the belief explained it, beside how well the first belief would have: a ratio of densities
   */
  weigh(bytes: number, linkMs: number): number;
  /** Diffuses by variances of the natural logarithms. */
  spread(variances: { readonly rate: number; readonly roundTrip: number }): void;
}

const BYTES_PER_UNIT = 1_000;
/** Milliseconds that a unit of bytes takes at 1 Mbit/s. */
const UNIT_MS_AT_ONE_MBPS = (8 * BYTES_PER_UNIT) / 1_000;
/** 80 kbit/s to 4 Gbit/s, and 0.5 ms to 1.5 s, in steps of natural logarithms. */
const UNIT_AXIS = Object.freeze({ lowest: Math.log(0.002), step: 0.12, count: 91 });
const TRIP_AXIS = Object.freeze({ lowest: Math.log(0.5), step: 0.12, count: 67 });
const UNIT_MS = axisValues(UNIT_AXIS);
const TRIP_MS = axisValues(TRIP_AXIS);
/** Variation of equal messages as a share of the time, and at least. */
const NOISE_SHARE = 0.06;
const LEAST_NOISE_MS = 0.3;
/** Share of the exchanges that an outage or a lost segment delays, and by how much in the mean: exponentially. */
const DELAYED_SHARE = 0.02;
const DELAY_MS = 500;
/** Rows and columns whose cells are all below this, as a share of the greatest, are left out. */
const NEGLIGIBLE = 1e-6;

/** Ranges of an axis that have weight, ends excluded. */
interface Box {
  tripFrom: number;
  tripTo: number;
  unitFrom: number;
  unitTo: number;
}

/** @param prior - medians, and how wrong both may be, as a factor from 0 */
export function createBelief(prior: {
  readonly roundTripMs: number;
  readonly uplinkMbps: number;
  readonly spread: number;
}): LinkBelief {
  const deviation = Math.log1p(prior.spread);
  const unitMs = UNIT_MS_AT_ONE_MBPS / prior.uplinkMbps;
  const bell = (value: number, center: number): number =>
    Math.exp(-0.5 * (Math.log(value / center) / deviation) ** 2);
  const tripWeights = TRIP_MS.map((value) => bell(value, prior.roundTripMs));
  const unitWeights = UNIT_MS.map((value) => bell(value, unitMs));
  return new GridBelief(
    Float64Array.from(TRIP_MS, (_, trip) => tripWeights[trip]),
    unitWeights,
  );
}

class GridBelief implements LinkBelief {
  readonly #first: Float64Array;
  readonly #weights: Float64Array;
  readonly #box: Box = { tripFrom: 0, tripTo: TRIP_AXIS.count, unitFrom: 0, unitTo: UNIT_AXIS.count };

  constructor(tripWeights: Float64Array, unitWeights: Float64Array) {
    this.#weights = new Float64Array(TRIP_AXIS.count * UNIT_AXIS.count);
    this.#eachCell((cell, trip, unit) => {
      this.#weights[cell] = tripWeights[trip] * unitWeights[unit];
    });
    this.#normalize();
    this.#first = this.#weights.slice();
  }

  predict(bytes: number): LogTime {
    const units = bytes / BYTES_PER_UNIT;
    let [sum, squares, shares] = [0, 0, 0];
    this.#eachCell((cell, trip, unit) => {
      const weight = this.#weights[cell];
      if (weight === 0) return;
      const sendingMs = units * UNIT_MS[unit];
      const log = Math.log(TRIP_MS[trip] + sendingMs);
      sum += weight * log;
      squares += weight * log ** 2;
      shares += (weight * sendingMs) / (TRIP_MS[trip] + sendingMs);
    });
    const variance = Math.max(0, squares - sum ** 2);
    const noise = Math.max(NOISE_SHARE, LEAST_NOISE_MS / Math.exp(sum));
    return { meanLog: sum, deviationLog: Math.sqrt(variance + noise ** 2), rateShare: shares };
  }

  weigh(bytes: number, linkMs: number): number {
    const units = bytes / BYTES_PER_UNIT;
    let evidence = 0;
    this.#eachCell((cell, trip, unit) => {
      const weight = this.#weights[cell];
      if (weight === 0) return;
      this.#weights[cell] = weight * density(linkMs, TRIP_MS[trip] + units * UNIT_MS[unit]);
      evidence += this.#weights[cell];
    });
    const ratio = evidence / this.#firstEvidence(units, linkMs);
    this.#normalize();
    return ratio;
  }

  spread({ rate, roundTrip }: { readonly rate: number; readonly roundTrip: number }): void {
    this.#diffuse('unit', rate / UNIT_AXIS.step ** 2);
    this.#diffuse('trip', roundTrip / TRIP_AXIS.step ** 2);
  }

  /** A coarse sum is enough for odds of a hundred: every second row and column. */
  #firstEvidence(units: number, linkMs: number): number {
    let evidence = 0;
    for (let trip = 0; trip < TRIP_AXIS.count; trip += 2)
      for (let unit = 0; unit < UNIT_AXIS.count; unit += 2)
        evidence +=
          4 *
          this.#first[trip * UNIT_AXIS.count + unit] *
          density(linkMs, TRIP_MS[trip] + units * UNIT_MS[unit]);
    return evidence;
  }

  /** In passes of the kernel (a, 1 - 2a, a); what would leave the grid stays at its edge. */
  #diffuse(axis: 'unit' | 'trip', variance: number): void {
    const passes = Math.ceil(2 * variance);
    const share = variance / passes / 2;
    for (let pass = 0; pass < passes; pass++) {
      this.#grow(axis);
      const { tripFrom, tripTo, unitFrom, unitTo } = this.#box;
      if (axis === 'unit')
        for (let trip = tripFrom; trip < tripTo; trip++)
          blur(this.#weights, trip * UNIT_AXIS.count + unitFrom, 1, unitTo - unitFrom, share);
      else
        for (let unit = unitFrom; unit < unitTo; unit++)
          blur(this.#weights, tripFrom * UNIT_AXIS.count + unit, UNIT_AXIS.count, tripTo - tripFrom, share);
    }
  }

  #grow(axis: 'unit' | 'trip'): void {
    const box = this.#box;
    if (axis === 'unit') {
      box.unitFrom = Math.max(0, box.unitFrom - 1);
      box.unitTo = Math.min(UNIT_AXIS.count, box.unitTo + 1);
    } else {
      box.tripFrom = Math.max(0, box.tripFrom - 1);
      box.tripTo = Math.min(TRIP_AXIS.count, box.tripTo + 1);
    }
  }

  /** To a sum of 1, without what is negligible. */
  #normalize(): void {
    const greatest = this.#weights.reduce((most, weight) => Math.max(most, weight), 0);
    const found: Box = { tripFrom: TRIP_AXIS.count, tripTo: 0, unitFrom: UNIT_AXIS.count, unitTo: 0 };
    let total = 0;
    this.#eachCell((cell, trip, unit) => {
      const weight = this.#weights[cell];
      if (weight < NEGLIGIBLE * greatest) {
        this.#weights[cell] = 0;
        return;
      }
      total += weight;
      found.tripFrom = Math.min(found.tripFrom, trip);
      found.tripTo = Math.max(found.tripTo, trip + 1);
      found.unitFrom = Math.min(found.unitFrom, unit);
      found.unitTo = Math.max(found.unitTo, unit + 1);
    });
    Object.assign(this.#box, found);
    this.#eachCell((cell) => {
      this.#weights[cell] /= total;
    });
  }

  #eachCell(visit: (cell: number, trip: number, unit: number) => void): void {
    const { tripFrom, tripTo, unitFrom, unitTo } = this.#box;
    for (let trip = tripFrom; trip < tripTo; trip++)
      for (let unit = unitFrom; unit < unitTo; unit++) visit(trip * UNIT_AXIS.count + unit, trip, unit);
  }
}

/** Of a time where another is expected: normal noise, or a delay on top. Never 0, so that some cell is left. */
function density(linkMs: number, expectedMs: number): number {
  const noiseMs = Math.max(LEAST_NOISE_MS, NOISE_SHARE * expectedMs);
  const lateMs = linkMs - expectedMs;
  const plain = Math.exp(-0.5 * (lateMs / noiseMs) ** 2) / (noiseMs * Math.sqrt(2 * Math.PI));
  const delayed = lateMs > 0 ? Math.exp(-lateMs / DELAY_MS) / DELAY_MS : 0;
  return (1 - DELAYED_SHARE) * plain + DELAYED_SHARE * delayed + Number.EPSILON ** 4;
}

function blur(weights: Float64Array, start: number, stride: number, count: number, share: number): void {
  let before = weights[start];
  for (let i = 0; i < count; i++) {
    const cell = start + i * stride;
    const value = weights[cell];
    const after = i + 1 < count ? weights[cell + stride] : value;
    weights[cell] = value + share * (before - 2 * value + after);
    before = value;
  }
}

function axisValues({ lowest, step, count }: { lowest: number; step: number; count: number }): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => Math.exp(lowest + step * i));
}
