/** Certificates for tests of TLS, made by openssl. */

import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';

/** Why none can be made; empty if they can. */
export const opensslMissing = spawnSync('openssl', ['version']).error
  ? 'no openssl to make certificates with'
  : '';

/** Writes `ca.pem` and `ca.key` of an authority that signs itself, and for each common name `NAME.pem` and `NAME.key` signed by it. */
export function makeCertificates(directory: string, ...names: string[]): void {
  const file = (name: string): string => path.join(directory, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: 'ignore' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-keyout', file('ca.key'), '-out', file('ca.pem'), '-subj', '/CN=authority'];
  openssl('req', '-x509', ...key, '-days', '2', ...authority);
  for (const name of names) {
    const [request, signed] = [file(`${name}.csr`), file(`${name}.pem`)];
    openssl('req', ...key, '-keyout', file(`${name}.key`), '-out', request, '-subj', `/CN=${name}`);
    const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', request, ...signer, '-out', signed);
  }
}
