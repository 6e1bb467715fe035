/** The package's version, which sign-in proofs name as their maker. */
export const VERSION = '0.1.0';
