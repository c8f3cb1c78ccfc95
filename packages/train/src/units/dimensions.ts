/** Checks of the numbers that make a unit's architecture. */

/** @throws {RangeError} that names the first number that is not a positive integer */
export function checkPositive(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} expected a positive integer, got ${value}`);
    }
  }
}
