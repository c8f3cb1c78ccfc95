export * from './cuts.js';
export * from './split.js';
