/** Addresses of servers as options. */

/**
 * Whether an address has a user or a password, which every list of processes would show. It is looked at after parsing, since
 * errors of parsing repeat what was given.
 */
export function hasUser(address: string): boolean {
  const { username, password } = new URL(address);
  return username !== '' || password !== '';
}
